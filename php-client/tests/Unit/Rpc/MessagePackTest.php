<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Rpc;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\DataProviderExternal;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\EncodingException;
use Rrts\Exception\ProtocolException;
use Rrts\Rpc\MessagePack;
use Rrts\Tests\Stub\MessagePackVectors;
use Rrts\Tests\Stub\Wakeful;

/** With ext-msgpack and without it: the same bytes, the same values, the same refusals. */
final class MessagePackTest extends TestCase
{
    #[DataProviderExternal(MessagePackVectors::class, 'values')]
    public function testTheTableOfValues(string $bytes, mixed $value, bool $isWritten): void
    {
        foreach ([new MessagePack(), new MessagePack(false)] as $codec) {
            $decoded = $codec->decode($bytes);
            if (\is_float($value) && \is_nan($value)) {
                self::assertNan($decoded);
            } else {
                self::assertSame($value, $decoded);
            }
            if ($isWritten) {
                self::assertSame(\bin2hex($bytes), \bin2hex($codec->encode($value)));
            }
        }
    }

    #[DataProviderExternal(MessagePackVectors::class, 'refused')]
    public function testHostileBytesAreRefusedInLittleTimeAndMemory(string $bytes): void
    {
        foreach ([new MessagePack(), new MessagePack(false)] as $codec) {
            $peak = \memory_get_peak_usage();
            $start = \hrtime(true);
            try {
                $codec->decode($bytes);
                self::fail('Decoded.');
            } catch (ProtocolException $exception) {
                self::assertStringStartsWith('Not a MessagePack value: ', $exception->getMessage());
            }
            self::assertLessThan(1e9, \hrtime(true) - $start);
            self::assertLessThan(4 << 20, \memory_get_peak_usage() - $peak);
        }
    }

    public function testNoObjectIsMadeWhateverTheSettingSays(): void
    {
        $bytes = \msgpack_pack(['value' => new Wakeful()]);
        self::assertIsString($bytes);
        self::assertStringContainsString('Wakeful', $bytes);
        self::assertSame('1', \ini_get('msgpack.php_only'));
        foreach ([new MessagePack(), new MessagePack(false)] as $codec) {
            try {
                $codec->decode($bytes);
                self::fail('Decoded.');
            } catch (ProtocolException $exception) {
                self::assertStringContainsString('key', $exception->getMessage());
            }
        }
        self::assertSame(0, Wakeful::$wakeups);
    }

    public function testAHandlerOfTheApplicationHearsNothing(): void
    {
        $heard = [];
        \set_error_handler(static function (int $level, string $message) use (&$heard): bool {
            $heard[] = $message;

            return true;
        });
        try {
            (new MessagePack())->decode("\x01\x02");
            self::fail('Decoded.');
        } catch (ProtocolException) {
            self::assertSame([], $heard);
        } finally {
            \restore_error_handler();
        }
    }

    public function testAnObjectWithoutAClassIsAMap(): void
    {
        foreach ([new MessagePack(), new MessagePack(false)] as $codec) {
            self::assertSame('80', \bin2hex($codec->encode(new \stdClass())));
            self::assertSame('81a1618101a162', \bin2hex($codec->encode(['a' => (object) [1 => 'b']])));
            self::assertSame('8201a16100a162', \bin2hex($codec->encode([1 => 'a', 0 => 'b'])));
        }
    }

    /** @return iterable<string, array{mixed, string}> */
    public static function unsendable(): iterable
    {
        yield 'closure' => [static fn(): int => 1, 'an object of class Closure cannot be sent'];
        yield 'object' => [['a' => [1, new \ArrayObject()]], 'at ["a"][1]: an object of class ArrayObject cannot be sent'];
        yield 'date' => [[new \DateTimeImmutable()], 'at [0]: an object of class DateTimeImmutable cannot be sent'];
        yield 'resource' => [['stream' => \STDERR], 'at ["stream"]: a resource (stream) cannot be sent'];
        $cycle = [];
        $cycle['again'] = &$cycle;
        yield 'cycle' => [$cycle, 'nested deeper than 128 arrays'];
    }

    #[DataProvider('unsendable')]
    public function testWhatCannotBeSentIsNamedWithItsPlace(mixed $value, string $message): void
    {
        foreach ([new MessagePack(), new MessagePack(false)] as $codec) {
            try {
                $codec->encode($value);
                self::fail('Encoded.');
            } catch (EncodingException $exception) {
                self::assertStringContainsString($message, $exception->getMessage());
            }
        }
    }

    public function testTheDepthLimitIsTheSameBothWays(): void
    {
        foreach ([new MessagePack(), new MessagePack(false)] as $codec) {
            $value = 1;
            for ($depth = 0; $depth < MessagePack::MAX_DEPTH; $depth++) {
                $value = [$value];
            }
            self::assertSame($value, $codec->decode($codec->encode($value)));
            try {
                $codec->encode([$value]);
                self::fail('Encoded.');
            } catch (EncodingException $exception) {
                self::assertStringContainsString('nested deeper than 128 arrays', $exception->getMessage());
            }
        }
    }

    /** Random values through every combination of the two. */
    public function testBothAgreeOnRandomValues(): void
    {
        $seed = \getenv('RRTS_TEST_SEED') === false ? \random_int(1, \PHP_INT_MAX) : (int) \getenv('RRTS_TEST_SEED');
        \mt_srand($seed);
        $extension = new MessagePack();
        $pure = new MessagePack(false);
        for ($i = 0; $i < 2000; $i++) {
            $value = self::random(4);
            $bytes = $extension->encode($value);
            self::assertSame(\bin2hex($bytes), \bin2hex($pure->encode($value)), "RRTS_TEST_SEED={$seed}");
            self::assertSame($value, $extension->decode($bytes), "RRTS_TEST_SEED={$seed}");
            self::assertSame($value, $pure->decode($bytes), "RRTS_TEST_SEED={$seed}");
        }
    }

    private static function random(int $depth): mixed
    {
        $kind = \mt_rand(0, $depth > 0 ? 8 : 5);
        if ($kind > 5) {
            $items = [];
            for ($left = \mt_rand(0, 40 >> (4 - $depth)); $left > 0; $left--) {
                $items[$kind === 6 ? \count($items) : ($kind === 7 ? \mt_rand(-300, 300) : 'k' . \mt_rand(0, 99))] = self::random($depth - 1);
            }

            return $items;
        }

        return match ($kind) {
            0 => null,
            1 => \mt_rand(0, 1) === 1,
            2 => \mt_rand() << 32 >> \mt_rand(0, 60),
            3 => -\mt_rand() << 32 >> \mt_rand(0, 60),
            4 => \mt_rand() / 1000 - 1e6,
            default => \substr(\str_repeat(\md5((string) \mt_rand(), true), 20), 0, \mt_rand(0, 300)),
        };
    }
}
