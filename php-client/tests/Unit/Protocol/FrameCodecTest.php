<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Protocol;

use PHPUnit\Framework\Attributes\DataProviderExternal;
use PHPUnit\Framework\TestCase;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Tests\Stub\GoldenFrames;

final class FrameCodecTest extends TestCase
{
    /** @param array{name: string, flags: int, stream: int, options: list<int>, payload: string, hex: string} $golden */
    #[DataProviderExternal(GoldenFrames::class, 'valid')]
    public function testEncodesTheGoldenFrames(array $golden): void
    {
        $frame = new Frame($golden['flags'], (string) \hex2bin($golden['payload']), $golden['options'], $golden['stream']);

        self::assertSame($golden['hex'], \bin2hex(FrameCodec::encode($frame)));
    }

    public function testAReplyIsAFrameWithTheHeadLengthAsItsOption(): void
    {
        $expected = FrameCodec::encode(new Frame(Frame::MSGPACK, 'headbody', [4], Frame::STREAM));

        self::assertSame($expected, FrameCodec::replyStart(Frame::MSGPACK, Frame::STREAM, 'head', 4) . 'body');
    }

    public function testWritesLittleEndianOnEveryHost(): void
    {
        $bytes = FrameCodec::encode(new Frame(0, \str_repeat('x', 0x0102), [0x01020304]));

        self::assertSame('02010000', \bin2hex(\substr($bytes, 2, 4)));
        self::assertSame('04030201', \bin2hex(\substr($bytes, 12, 4)));
    }

    public function testRefusesElevenOptions(): void
    {
        $this->expectException(\LogicException::class);
        FrameCodec::encode(new Frame(0, '', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
    }
}
