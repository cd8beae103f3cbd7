<?php

declare(strict_types=1);

namespace Rrts\Tests\Contract;

use PHPUnit\Framework\Attributes\DataProviderExternal;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\TransportException;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Relay\FrameChannel;
use Rrts\Relay\RelayInterface;
use Rrts\Tests\Stub\GoldenFrames;
use Rrts\Tests\Stub\SlowPeer;

/** What every relay does, whatever carries its bytes. A subclass says how to get a relay and the master's end of it. */
abstract class RelayContractTestCase extends TestCase
{
    private const SECONDS_TO_NOTICE_AN_END = 1.0;

    /**
     * The relay, what the peer reads from, and what it writes to.
     *
     * @return array{RelayInterface, resource, resource}
     */
    abstract protected function connect(): array;

    public function testReadsWhatIsThereWithoutWaitingForMore(): void
    {
        [$relay, , $output] = $this->connect();
        \fwrite($output, 'abc');

        self::assertSame('abc', $relay->read(1000));
    }

    public function testReadsNoMoreThanAsked(): void
    {
        [$relay, , $output] = $this->connect();
        \fwrite($output, 'abcdef');

        self::assertSame('ab', $relay->read(2));
        self::assertSame('cdef', $relay->readExactly(4));
    }

    public function testReadsZeroAndEveryOtherByte(): void
    {
        [$relay, , $output] = $this->connect();
        $bytes = '0' . \implode('', \array_map(\chr(...), \range(0, 255)));
        \fwrite($output, $bytes);

        self::assertSame('0', $relay->read(1));
        self::assertSame(\substr($bytes, 1), $relay->readExactly(256));
    }

    public function testTheEndIsAnEmptyReadEveryTime(): void
    {
        [$relay, $input, $output] = $this->connect();
        \fwrite($output, 'last');
        self::closeAll($input, $output);

        self::assertSame('last', $relay->read(1000));
        self::assertSame(['', ''], [$relay->read(1000), $relay->read(1000)]);
    }

    public function testAnEndBeforeExactlySoManyBytesIsAnError(): void
    {
        [$relay, $input, $output] = $this->connect();
        \fwrite($output, 'abc');
        self::closeAll($input, $output);

        $this->expectException(TransportException::class);
        $this->expectExceptionMessage('The input ended after 3 of 4 bytes.');
        $relay->readExactly(4);
    }

    /** @param array{name: string, flags: int, stream: int, options: list<int>, payload: string, hex: string} $golden */
    #[DataProviderExternal(GoldenFrames::class, 'valid')]
    public function testAnEndInsideAFrameIsNoticedAtOnceAndNeverSpinsOn(array $golden): void
    {
        $bytes = (string) \hex2bin($golden['hex']);
        for ($length = 1; $length < \strlen($bytes); $length++) {
            [$relay, $input, $output] = $this->connect();
            \fwrite($output, \substr($bytes, 0, $length));
            self::closeAll($input, $output);
            $start = \microtime(true);
            try {
                (new FrameChannel($relay))->receive();
                self::fail("A prefix of {$length} bytes passed as a frame.");
            } catch (TransportException $exception) {
                self::assertStringContainsString('inside a frame', $exception->getMessage());
            }
            self::assertLessThan(self::SECONDS_TO_NOTICE_AN_END, \microtime(true) - $start);
            $relay->close();
        }
    }

    public function testAnEndBetweenFramesIsNoError(): void
    {
        [$relay, $input, $output] = $this->connect();
        \fwrite($output, FrameCodec::encode(new Frame(Frame::CONTROL, '{}')));
        self::closeAll($input, $output);
        $channel = new FrameChannel($relay);

        self::assertNotNull($channel->receive());
        self::assertNull($channel->receive());
    }

    public function testSaysWhetherAReadWouldWait(): void
    {
        [$relay, $input, $output] = $this->connect();
        self::assertFalse($relay->isReadable());
        \fwrite($output, 'a');
        self::assertTrue($relay->isReadable());
        $relay->read(1);
        self::assertFalse($relay->isReadable());
        self::closeAll($input, $output);
        self::assertTrue($relay->isReadable());
    }

    public function testWritesArrive(): void
    {
        [$relay, $input] = $this->connect();
        $relay->writeAll("0\0\xff");

        self::assertSame("0\0\xff", \fread($input, 100));
    }

    public function testASlowReaderGetsEightMebibytesWhole(): void
    {
        [$relay, $input, $output] = $this->connect();
        $bytes = FrameCodec::encode(new Frame(0, \random_bytes(8 << 20)));
        $peer = new SlowPeer($input, \strlen($bytes));
        self::closeAll($input, $output);
        $relay->writeAll($bytes);

        self::assertSame(\strlen($bytes) . ' ' . \hash('crc32b', $bytes), $peer->report());
    }

    public function testWritingToAPeerThatHasGoneIsAnError(): void
    {
        [$relay, $input, $output] = $this->connect();
        self::closeAll($input, $output);

        $this->expectException(TransportException::class);
        // The first write may still vanish in a buffer of the system.
        for ($i = 0; $i < 100; $i++) {
            $relay->writeAll(\str_repeat('x', 1 << 16));
        }
    }

    public function testAClosedRelayIsAnErrorAndClosingTwiceIsNone(): void
    {
        [$relay] = $this->connect();
        $relay->close();
        $relay->close();

        self::assertFalse($relay->isReadable());
        $this->expectException(TransportException::class);
        $relay->read(1);
    }

    public function testWritingToAClosedRelayIsAnError(): void
    {
        [$relay] = $this->connect();
        $relay->close();

        $this->expectException(TransportException::class);
        $relay->writeAll('x');
    }

    public function testSignalsDuringAReadAreNotTheEnd(): void
    {
        [$relay, , $output] = $this->connect();
        $received = 0;
        \pcntl_async_signals(true);
        \pcntl_signal(\SIGALRM, static function () use (&$received): void {
            $received++;
        }, false);
        $script = 'for i in 1 2 3 4 5; do kill -ALRM ' . \getmypid() . '; sleep 0.05; done; printf after';
        $process = \proc_open(['sh', '-c', $script], [['file', '/dev/null', 'r'], $output, ['file', '/dev/null', 'w']], $pipes);
        self::assertNotFalse($process);
        try {
            self::assertSame('after', $relay->readExactly(5));
            self::assertGreaterThan(0, $received);
        } finally {
            \proc_close($process);
            \pcntl_signal(\SIGALRM, \SIG_DFL);
            \pcntl_async_signals(false);
        }
    }

    /** @param resource ...$streams */
    private static function closeAll(...$streams): void
    {
        foreach ($streams as $stream) {
            if (\is_resource($stream)) {
                \fclose($stream);
            }
        }
    }
}
