<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Relay;

use PHPUnit\Framework\TestCase;
use Rrts\Exception\ProtocolException;
use Rrts\Exception\TransportException;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;
use Rrts\Relay\FrameChannel;
use Rrts\Tests\Stub\MemoryRelay;

final class FrameChannelTest extends TestCase
{
    public function testReceivesFramesThatArriveInPiecesAndTogether(): void
    {
        $bytes = FrameCodec::encode(new Frame(1, 'a')) . FrameCodec::encode(new Frame(2, 'b'));
        $channel = new FrameChannel(new MemoryRelay(\substr($bytes, 0, 5), \substr($bytes, 5)));

        self::assertEquals(new Frame(1, 'a'), $channel->receive());
        self::assertEquals(new Frame(2, 'b'), $channel->receive());
        self::assertNull($channel->receive());
    }

    public function testPollDoesNotWait(): void
    {
        $relay = new MemoryRelay();
        $channel = new FrameChannel($relay);
        self::assertNull($channel->poll());
        $bytes = FrameCodec::encode(new Frame(1, 'a'));
        $relay->queue(\substr($bytes, 0, 6));
        self::assertNull($channel->poll());
        $relay->queue(\substr($bytes, 6));

        self::assertEquals(new Frame(1, 'a'), $channel->poll());
    }

    public function testAMasterThatClosesDuringARequestIsAnError(): void
    {
        $this->expectException(TransportException::class);
        $this->expectExceptionMessage('during a request');
        (new FrameChannel(new MemoryRelay('')))->poll();
    }

    public function testGarbageIsAProtocolError(): void
    {
        $this->expectException(ProtocolException::class);
        (new FrameChannel(new MemoryRelay('HTTP/1.1 400 Bad Request')))->receive();
    }

    public function testASmallReplyIsOneWrite(): void
    {
        $relay = new MemoryRelay();
        (new FrameChannel($relay))->sendReply(Frame::MSGPACK, 0, 'head', 'body');

        self::assertSame(1, $relay->writes);
        self::assertEquals([new Frame(Frame::MSGPACK, 'headbody', [4])], $relay->takeFrames());
    }

    public function testALargeBodyIsNotCopiedBehindItsHeader(): void
    {
        $relay = new MemoryRelay();
        $body = \str_repeat('x', 1 << 20);
        (new FrameChannel($relay))->sendReply(Frame::MSGPACK, Frame::STREAM, 'head', $body);

        self::assertSame(2, $relay->writes);
        self::assertEquals([new Frame(Frame::MSGPACK, "head{$body}", [4], Frame::STREAM)], $relay->takeFrames());
    }

    public function testTheLimitOfTheDecoderHolds(): void
    {
        $channel = new FrameChannel(new MemoryRelay(FrameCodec::encode(new Frame(0, \str_repeat('x', 100)))), new FrameDecoder(99));

        $this->expectException(ProtocolException::class);
        $channel->receive();
    }
}
