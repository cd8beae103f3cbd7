<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Protocol;

use PHPUnit\Framework\Attributes\DataProviderExternal;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\ProtocolException;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;
use Rrts\Tests\Stub\GoldenFrames;

final class FrameDecoderTest extends TestCase
{
    /** @param array{name: string, flags: int, stream: int, options: list<int>, payload: string, hex: string} $golden */
    #[DataProviderExternal(GoldenFrames::class, 'valid')]
    public function testDecodesTheGoldenFrames(array $golden): void
    {
        $decoder = new FrameDecoder();
        $decoder->push((string) \hex2bin($golden['hex']));
        $frame = $decoder->next();

        self::assertEquals(new Frame($golden['flags'], (string) \hex2bin($golden['payload']), $golden['options'], $golden['stream']), $frame);
        self::assertNull($decoder->next());
        self::assertTrue($decoder->isAtBoundary());
    }

    /** @param array{name: string, reason: string, hex: string} $golden */
    #[DataProviderExternal(GoldenFrames::class, 'invalid')]
    public function testRefusesTheGoldenFaultsAndStaysRefusing(array $golden): void
    {
        $decoder = new FrameDecoder();
        $decoder->push((string) \hex2bin($golden['hex']));
        $first = self::failureOf(static fn() => $decoder->next());

        self::assertStringContainsString($golden['reason'], $first->getMessage());
        self::assertSame($first, self::failureOf(static fn() => $decoder->next()));
        self::assertSame($first, self::failureOf(static fn() => $decoder->push(GoldenFrames::stream())));
    }

    public function testQuotesThePrintedText(): void
    {
        $decoder = new FrameDecoder();
        $decoder->push("Could not open\x00input\n");

        self::assertStringContainsString('"Could not open\\000input\\n"', self::failureOf(static fn() => $decoder->next())->getMessage());
    }

    public function testJudgesTheFirstByteWithoutWaitingForTheRest(): void
    {
        $decoder = new FrameDecoder();
        $decoder->push('C');

        self::assertStringContainsString('version', self::failureOf(static fn() => $decoder->next())->getMessage());
    }

    public function testDecodesOneByteAtATime(): void
    {
        $whole = new FrameDecoder();
        $whole->push(GoldenFrames::stream());
        $bytewise = new FrameDecoder();
        $frames = [];
        foreach (\str_split(GoldenFrames::stream()) as $byte) {
            $bytewise->push($byte);
            $frame = $bytewise->next();
            if ($frame !== null) {
                $frames[] = $frame;
            }
        }

        self::assertCount(\count(GoldenFrames::valid()), $frames);
        foreach ($frames as $frame) {
            self::assertEquals($whole->next(), $frame);
        }
    }

    /** @param array{name: string, flags: int, stream: int, options: list<int>, payload: string, hex: string} $golden */
    #[DataProviderExternal(GoldenFrames::class, 'valid')]
    public function testEveryPrefixIsIncompleteAndNoError(array $golden): void
    {
        $bytes = (string) \hex2bin($golden['hex']);
        for ($length = 0; $length < \strlen($bytes); $length++) {
            $decoder = new FrameDecoder();
            $decoder->push(\substr($bytes, 0, $length));

            self::assertNull($decoder->next());
            self::assertSame($length === 0, $decoder->isAtBoundary());
            self::assertGreaterThan(0, $decoder->missing());
        }
    }

    public function testSaysHowManyBytesAFrameLacks(): void
    {
        $decoder = new FrameDecoder();
        $decoder->push(\substr(FrameCodec::encode(new Frame(0, \str_repeat('x', 1000))), 0, 512));
        $decoder->next();

        self::assertSame(500, $decoder->missing());
    }

    /** @param array{name: string, flags: int, stream: int, options: list<int>, payload: string, hex: string} $golden */
    #[DataProviderExternal(GoldenFrames::class, 'valid')]
    public function testEveryFlippedBitUpToTheChecksumIsAnError(array $golden): void
    {
        for ($bit = 0; $bit < 80; $bit++) {
            $bytes = (string) \hex2bin($golden['hex']);
            $bytes[$bit >> 3] = \chr(\ord($bytes[$bit >> 3]) ^ 1 << ($bit & 7));
            $decoder = new FrameDecoder();
            $decoder->push($bytes);

            self::assertNotSame('', self::failureOf(static fn() => $decoder->next())->getMessage(), "bit {$bit}");
        }
    }

    public function testRefusesAPayloadOverTheLimitBeforeItComes(): void
    {
        $decoder = new FrameDecoder(1000);
        $decoder->push(\substr(FrameCodec::encode(new Frame(0, \str_repeat('x', 1001))), 0, 12));

        self::assertStringContainsString('over the limit of 1000', self::failureOf(static fn() => $decoder->next())->getMessage());
    }

    /** @param \Closure(): mixed $call */
    private static function failureOf(\Closure $call): ProtocolException
    {
        try {
            $call();
        } catch (ProtocolException $exception) {
            return $exception;
        }
        self::fail('No ProtocolException.');
    }
}
