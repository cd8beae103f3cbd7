<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Rpc;

use PHPUnit\Framework\TestCase;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;
use Rrts\Rpc\CallFrame;
use Rrts\Tests\Stub\GoldenFrames;

final class CallFrameTest extends TestCase
{
    public function testIsTheGoldenFrame(): void
    {
        $golden = GoldenFrames::valid()['rpc call'][0];

        self::assertSame($golden['hex'], \bin2hex(CallFrame::start(Frame::JSON, 1, 'rpc.Version', 4) . 'true'));
    }

    public function testIsAFrameLikeAnyOther(): void
    {
        $decoder = new FrameDecoder();
        foreach ([[1, 0], [CallFrame::MAX_SEQUENCE, 0], [CallFrame::NO_REPLY, 250], [77, 0xFFFFFFFF]] as [$sequence, $deadline]) {
            $bytes = CallFrame::start(Frame::MSGPACK, $sequence, 'kv.Has', 2, $deadline) . "\x91\x01";
            $frame = new Frame(Frame::MSGPACK, "kv.Has\x91\x01", $deadline === 0 ? [$sequence, 6] : [$sequence, 6, $deadline]);

            self::assertSame(FrameCodec::encode($frame), $bytes);
            $decoder->push($bytes);
            self::assertEquals($frame, $decoder->next());
        }
    }
}
