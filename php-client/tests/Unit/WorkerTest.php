<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit;

use PHPUnit\Framework\TestCase;
use Rrts\Exception\ProtocolException;
use Rrts\Exception\StreamStoppedException;
use Rrts\Exception\TransportException;
use Rrts\Protocol\ControlMessage;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\HeadCodecs;
use Rrts\Protocol\JsonHeadCodec;
use Rrts\Tests\Stub\MemoryRelay;
use Rrts\Worker;

final class WorkerTest extends TestCase
{
    private JsonHeadCodec $codec;

    private MemoryRelay $relay;

    private Worker $worker;

    protected function setUp(): void
    {
        $this->codec = new JsonHeadCodec();
        $this->relay = MemoryRelay::welcoming($this->codec);
        $this->worker = new Worker($this->relay, new HeadCodecs($this->codec));
        $this->relay->takeFrames();
    }

    public function testTheHelloIsTheFirstFrame(): void
    {
        $relay = MemoryRelay::welcoming($this->codec, debug: true);
        $worker = new Worker($relay, new HeadCodecs($this->codec));
        $frames = $relay->takeFrames();

        self::assertCount(1, $frames);
        self::assertSame(Frame::CONTROL | Frame::JSON, $frames[0]->flags);
        self::assertSame(['json'], ControlMessage::parse($frames[0]->payload)->texts('codecs'));
        self::assertTrue($worker->debug);
    }

    public function testThePidRequestOfASocketRelayIsPassedOver(): void
    {
        $worker = new Worker(new MemoryRelay(ControlMessage::pid(1)->toFrame(), ControlMessage::welcome('json', false)->toFrame()));

        self::assertFalse($worker->debug);
    }

    public function testAMasterThatDoesNotWelcomeIsAnError(): void
    {
        $this->expectException(TransportException::class);
        new Worker(new MemoryRelay());
    }

    public function testARequestBeforeTheWelcomeIsAnError(): void
    {
        $this->expectException(ProtocolException::class);
        new Worker(new MemoryRelay(FrameCodec::encode(new Frame(Frame::JSON, '{}', [2]))));
    }

    public function testAnExchangeIsOneWrite(): void
    {
        $this->relay->queueRequest($this->codec, ['method' => 'GET'], 'body');
        $payload = $this->worker->waitPayload();
        $writes = $this->relay->writes;
        $this->worker->respond([200, []], 'answer');

        self::assertSame(['method' => 'GET'], $payload?->head);
        self::assertSame('body', $payload->body);
        self::assertSame($writes + 1, $this->relay->writes);
        self::assertEquals([new Frame(Frame::JSON, '[200,[]]answer', [8])], $this->relay->takeFrames());
    }

    public function testWaitsForNothingMoreAfterTheOrderToEnd(): void
    {
        $this->relay->queue(ControlMessage::stop()->toFrame());
        $this->relay->queueRequest($this->codec, ['method' => 'GET']);

        self::assertNull($this->worker->waitPayload());
        self::assertNull($this->worker->waitPayload());
    }

    public function testFramesThatAreNoRequestAreErrors(): void
    {
        foreach ([new Frame(Frame::JSON, '{}'), new Frame(Frame::JSON, '{}', [3]), new Frame(Frame::MSGPACK, '{}', [2]), new Frame(Frame::JSON, 'zz', [2])] as $frame) {
            $relay = MemoryRelay::welcoming($this->codec);
            $relay->queue(FrameCodec::encode($frame));
            $worker = new Worker($relay, new HeadCodecs($this->codec));
            try {
                $worker->waitPayload();
                self::fail('Taken for a request.');
            } catch (ProtocolException $exception) {
                self::assertStringContainsString('ot ', $exception->getMessage());
            }
        }
    }

    public function testAnErrorEndsTheRequest(): void
    {
        $this->begin();
        $this->worker->error('boom');

        self::assertEquals([new Frame(Frame::ERROR, 'boom')], $this->relay->takeFrames());
        self::assertFalse($this->worker->isBusy());
    }

    public function testAStopWishIsPlainJson(): void
    {
        $this->begin();
        $this->worker->stop();

        self::assertEquals([new Frame(0, '{"stop":true}', [13])], $this->relay->takeFrames());
    }

    public function testAnInformationalHeadIsAStreamFrameWithoutABody(): void
    {
        $this->begin();
        $this->worker->inform([103, ['link', 'x']]);
        $this->worker->respond([200, []]);

        self::assertEquals([new Frame(Frame::JSON, '[103,["link","x"]]', [18], Frame::STREAM), new Frame(Frame::JSON, '[200,[]]', [8])], $this->relay->takeFrames());
    }

    public function testAStreamSendsItsHeadOnce(): void
    {
        $this->begin();
        $stream = $this->worker->stream([200, []]);
        self::assertFalse($this->worker->isStreaming());
        $stream->write('');
        self::assertTrue($this->worker->isStreaming());
        $stream->write('');
        $stream->write('0');
        $stream->end();
        $stream->end();

        self::assertEquals([
            new Frame(Frame::JSON, '[200,[]]', [8], Frame::STREAM),
            new Frame(Frame::JSON, '0', [0], Frame::STREAM),
            new Frame(Frame::JSON, '', [0]),
        ], $this->relay->takeFrames());
        self::assertFalse($this->worker->isBusy());
    }

    public function testAStreamWithoutChunksIsAPlainReply(): void
    {
        $this->begin();
        $this->worker->stream([204, []])->end();

        self::assertEquals([new Frame(Frame::JSON, '[204,[]]', [8])], $this->relay->takeFrames());
    }

    public function testAStoppedStreamThrowsAtEveryWriteAndEndsWell(): void
    {
        $this->begin();
        $stream = $this->worker->stream([200, []]);
        $stream->write('one');
        $this->relay->queue(FrameCodec::encode(new Frame(0, stream: Frame::STOP)));
        for ($i = 0; $i < 2; $i++) {
            try {
                $stream->write('two');
                self::fail('Written to nobody.');
            } catch (StreamStoppedException) {
                self::assertTrue($stream->isStopped());
            }
        }
        $stream->end();

        self::assertEquals([new Frame(Frame::JSON, '[200,[]]one', [8], Frame::STREAM), new Frame(Frame::JSON, '', [0])], $this->relay->takeFrames());
    }

    public function testARequestThatArrivesDuringAStreamWaitsItsTurn(): void
    {
        $this->begin();
        $stream = $this->worker->stream([200, []]);
        $this->relay->queueRequest($this->codec, ['method' => 'PUT']);
        $this->relay->queue(ControlMessage::stop()->toFrame());
        $stream->write('one');
        $stream->end();

        self::assertSame('PUT', $this->worker->waitPayload()?->head['method']);
        $this->worker->respond([200, []]);
        self::assertNull($this->worker->waitPayload());
    }

    public function testWritingAfterTheEndIsAMistake(): void
    {
        $this->begin();
        $stream = $this->worker->stream([200, []]);
        $stream->end();

        $this->expectException(\LogicException::class);
        $stream->write('late');
    }

    public function testAnsweringTwiceIsAMistake(): void
    {
        $this->begin();
        $this->worker->respond([200, []]);

        $this->expectException(\LogicException::class);
        $this->worker->respond([200, []]);
    }

    public function testWaitingWithoutAnsweringIsAMistake(): void
    {
        $this->begin();

        $this->expectException(\LogicException::class);
        $this->worker->waitPayload();
    }

    private function begin(): void
    {
        $this->relay->queueRequest($this->codec, ['method' => 'GET']);
        self::assertNotNull($this->worker->waitPayload());
    }
}
