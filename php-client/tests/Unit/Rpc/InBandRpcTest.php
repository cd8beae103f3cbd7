<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Rpc;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\ConfigurationException;
use Rrts\Exception\NodeException;
use Rrts\Exception\RpcArgumentException;
use Rrts\Exception\RpcException;
use Rrts\Exception\RpcMethodException;
use Rrts\Exception\RpcTimeoutException;
use Rrts\Exception\TransportException;
use Rrts\Protocol\ControlMessage;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\HeadCodecs;
use Rrts\Protocol\JsonHeadCodec;
use Rrts\Rpc\InBandRpc;
use Rrts\Rpc\MessagePack;
use Rrts\Tests\Stub\MemoryRelay;
use Rrts\Tests\Stub\RpcCall;
use Rrts\Worker;

final class InBandRpcTest extends TestCase
{
    private const MAX = 1000;

    /** More than the 5 ms from which a request counts as slow. */
    private const SLOW_MICROSECONDS = 6000;

    private JsonHeadCodec $codec;

    private MemoryRelay $relay;

    private Worker $worker;

    private InBandRpc $rpc;

    protected function setUp(): void
    {
        $this->codec = new JsonHeadCodec();
        $this->relay = MemoryRelay::welcoming($this->codec, rpcMax: self::MAX);
        $this->worker = new Worker($this->relay, new HeadCodecs($this->codec));
        $this->relay->takeFrames();
        $this->rpc = $this->worker->rpc();
    }

    public function testTheHelloOffersItAndAnOlderMasterDoesNotTakeIt(): void
    {
        $relay = MemoryRelay::welcoming($this->codec);
        $worker = new Worker($relay, new HeadCodecs($this->codec));

        self::assertContains('rpc', ControlMessage::parse($relay->takeFrames()[0]->payload)->texts('features'));
        self::assertFalse($worker->hasRpc());
        $this->expectException(ConfigurationException::class);
        $worker->rpc();
    }

    public function testACallIsOneWriteAndGivesTheResult(): void
    {
        $this->queueResult(1, 'kv.Get', ['a' => 1]);
        $writes = $this->relay->writes;

        self::assertSame(['a' => 1], $this->rpc->call('kv.Get', ['key']));
        self::assertSame($writes + 1, $this->relay->writes);
        self::assertEquals([new Frame(Frame::MSGPACK, "kv.Get\x91\xA3key", [1, 6])], $this->relay->takeFrames());
    }

    #[TestWith([0.25, 250])]
    #[TestWith([0.0001, 1])]
    #[TestWith([1e9, 0xFFFFFFFF])]
    public function testTheTimeoutIsTheThirdOption(float $timeout, int $milliseconds): void
    {
        $this->queueResult(1, 'a.B', null);
        $this->rpc->call('a.B', null, $timeout);

        self::assertSame($milliseconds, $this->sentCalls()[0]->deadline);
    }

    #[TestWith([0.0])]
    #[TestWith([-1.0])]
    #[TestWith([\NAN])]
    public function testATimeoutThatIsNoneIsRefused(float $timeout): void
    {
        $this->expectException(RpcArgumentException::class);
        $this->rpc->call('a.B', null, $timeout);
    }

    public function testSeveralCallsRunAtOnceAndTheirRepliesComeInAnyOrder(): void
    {
        $calls = [$this->rpc->start('a.One'), $this->rpc->start('a.Two'), $this->rpc->start('a.Three')];
        self::assertCount(3, $this->sentCalls());
        $this->queueResult(3, 'a.Three', 3);
        $this->queueResult(1, 'a.One', 1);
        $this->queueError(2, 'a.Two', 'ERR_RPC_FAILED', 'no');

        self::assertSame([1, 3, 1], [$calls[0]->wait(), $calls[2]->wait(), $calls[0]->wait()]);
        for ($i = 0; $i < 2; $i++) {
            try {
                $calls[1]->wait();
                self::fail('No exception.');
            } catch (RpcException $exception) {
                self::assertSame('a.Two: no', $exception->getMessage());
            }
        }
    }

    public function testRepliesThatNobodyWaitsForAreDropped(): void
    {
        $this->queueResult(77, 'a.Unknown', 'unknown');
        $this->queueResult(1, 'a.B', 'right');
        $this->queueResult(1, 'a.B', 'again');
        $this->queueResult(2, 'a.B', 'next');

        self::assertSame('right', $this->rpc->call('a.B'));
        self::assertSame('next', $this->rpc->call('a.B'));
        $this->relay->queueRequest($this->codec, ['method' => 'GET']);
        self::assertSame('GET', $this->worker->waitPayload()?->head['method']);
    }

    public function testACallThatIsDroppedIsForgotten(): void
    {
        $before = \memory_get_usage();
        for ($i = 1; $i <= 500; $i++) {
            $this->rpc->start('a.Dropped');
            $this->queueResult($i, 'a.Dropped', \str_repeat('x', 10000));
        }
        $this->relay->written = '';
        $this->queueResult(501, 'a.B', true);

        self::assertTrue($this->rpc->call('a.B'));
        self::assertLessThan(1e6, \memory_get_usage() - $before, 'of 5 MB of results');
    }

    public function testANotificationWantsNoReply(): void
    {
        $this->rpc->notify('metrics.Add', ['name' => 'n']);
        $call = $this->sentCalls()[0];

        self::assertSame([0, 'metrics.Add', ['name' => 'n']], [$call->sequence, $call->method, $call->argument]);
    }

    /** @param class-string<RpcException> $class */
    #[TestWith(['ERR_RPC_TIMEOUT', RpcTimeoutException::class])]
    #[TestWith(['ERR_RPC_METHOD', RpcMethodException::class])]
    #[TestWith(['ERR_RPC_ARGUMENT', RpcArgumentException::class])]
    #[TestWith(['ERR_RPC_TOO_LARGE', RpcArgumentException::class])]
    #[TestWith(['ERR_RPC_BUSY', RpcException::class])]
    #[TestWith(['ERR_RPC_FAILED', RpcException::class])]
    #[TestWith(['ERR_BRIDGE_THREW', NodeException::class])]
    #[TestWith(['ERR_BRIDGE_DENIED', NodeException::class])]
    public function testEachErrorIsAnExceptionThatNamesTheCall(string $code, string $class): void
    {
        $this->queueError(1, 'a.B', $code, 'because', 'TypeError', 'at x.js:1');
        try {
            $this->rpc->call('a.B');
            self::fail('No exception.');
        } catch (RpcException $exception) {
            self::assertSame([$class, 'a.B: because', $code, 'a.B'], [$exception::class, $exception->getMessage(), $exception->errorCode, $exception->method]);
            if ($exception instanceof NodeException) {
                self::assertSame(['TypeError', 'at x.js:1'], [$exception->nodeClass, $exception->nodeStack]);
            }
        }
    }

    public function testAnErrorInPlainTextIsUnderstood(): void
    {
        $pending = $this->rpc->start('a.B');
        $this->relay->queue($this->sentCalls()[0]->plainError("rpc: can't find service a"));

        $this->expectException(RpcException::class);
        $this->expectExceptionMessage("a.B: rpc: can't find service a");
        $pending->wait();
    }

    public function testAResultThatIsNoMessagePackIsTheFailureOfThatCallAlone(): void
    {
        $this->relay->queue(FrameCodec::encode(new Frame(Frame::MSGPACK, "a.B\xC1", [1, 3])));
        $this->queueResult(2, 'a.B', 'fine');
        try {
            $this->rpc->call('a.B');
            self::fail('No exception.');
        } catch (RpcException $exception) {
            self::assertSame('ERR_RPC_RESULT', $exception->errorCode);
        }
        self::assertSame('fine', $this->rpc->call('a.B'));
    }

    public function testWhatCannotBeSentIsRefusedBeforeAnythingIs(): void
    {
        foreach ([\str_repeat('x', self::MAX), ['f' => static fn(): int => 1]] as $argument) {
            foreach ([$this->rpc->call(...), $this->rpc->start(...), $this->rpc->notify(...)] as $way) {
                try {
                    $way('a.B', $argument);
                    self::fail('Sent.');
                } catch (RpcArgumentException $exception) {
                    self::assertStringStartsWith('a.B: ', $exception->getMessage());
                }
            }
        }
        self::assertSame('', $this->relay->written);
        $this->queueResult(1, 'a.B', true);
        self::assertTrue($this->rpc->call('a.B', \str_repeat('x', self::MAX - 6)));
    }

    public function testAMasterThatHasGoneIsATransportException(): void
    {
        $pending = $this->rpc->start('a.B');
        foreach ([static fn(): mixed => $pending->wait(), fn(): mixed => $this->rpc->call('a.C')] as $wait) {
            try {
                $wait();
                self::fail('No exception.');
            } catch (TransportException $exception) {
                self::assertMatchesRegularExpression('/^a\.[BC]: The master closed the channel/', $exception->getMessage());
            }
        }
    }

    public function testRequestsThatComeDuringACallKeepTheirOrder(): void
    {
        $this->relay->queue($this->request('a'));
        self::assertSame(['a'], $this->worker->waitPayload()?->head);
        $this->relay->queue($this->request('b', Frame::BEGIN) . $this->replyOf(1, 'a.B', 1) . $this->request('c', Frame::BEGIN));
        self::assertSame(1, $this->rpc->call('a.B'));
        $this->relay->queue($this->request('d', Frame::BEGIN));
        $this->queueResult(2, 'a.B', 2);
        self::assertSame(2, $this->rpc->call('a.B'));
        $this->relay->takeFrames();
        foreach (['b', 'c', 'd'] as $name) {
            $this->worker->respond([200, []]);
            self::assertSame([$name], $this->worker->waitPayload()?->head);
            self::assertEquals([new Frame(Frame::JSON, '[200,[]]', [8]), new Frame(0, stream: Frame::BEGIN)], $this->relay->takeFrames());
        }
    }

    public function testACallThatWaitsObeysTheOrderToGiveRequestsBack(): void
    {
        $this->relay->queue($this->request('a') . $this->request('b', Frame::BEGIN) . $this->request('c', Frame::BEGIN));
        $this->worker->waitPayload();
        $this->relay->queue(ControlMessage::revoke()->toFrame());
        $this->relay->queue($this->request('plain'));
        $this->queueResult(1, 'a.B', true);
        $this->rpc->call('a.B');

        self::assertSame(['{"dropped":2}'], \array_values(\array_map(static fn(Frame $frame): string => $frame->payload, \array_filter($this->relay->takeFrames(), static fn(Frame $frame): bool => ($frame->flags & Frame::CONTROL) !== 0))));
        $this->worker->respond([200, []]);
        self::assertSame(['plain'], $this->worker->waitPayload()?->head);
    }

    public function testAnOrderBehindTheReplyIsReadBeforeTheNextRequestIsBegun(): void
    {
        $this->relay->queue($this->request('a') . $this->request('b', Frame::BEGIN));
        $this->worker->waitPayload();
        \usleep(self::SLOW_MICROSECONDS);
        $this->relay->queue($this->replyOf(1, 'a.B', true) . ControlMessage::revoke()->toFrame());
        $this->rpc->call('a.B');
        $this->worker->respond([200, []]);
        $this->relay->queue($this->request('next'));

        self::assertSame(['next'], $this->worker->waitPayload()?->head);
    }

    public function testARequestThatWasAnnouncedStaysWhenTheOrderComesDuringACall(): void
    {
        $this->worker->beginNextWithAnswer();
        $this->relay->queue($this->request('a') . $this->request('b', Frame::BEGIN) . $this->request('c', Frame::BEGIN));
        $this->worker->waitPayload();
        $this->worker->respond([200, []]);
        self::assertSame(Frame::BEGIN, $this->relay->takeFrames()[0]->stream);
        $this->relay->queue(ControlMessage::revoke()->toFrame() . $this->replyOf(1, 'a.B', true));
        $this->rpc->call('a.B');

        self::assertSame(['b'], $this->worker->waitPayload()?->head);
        self::assertSame(['{"dropped":1}'], \array_values(\array_map(static fn(Frame $frame): string => $frame->payload, \array_filter($this->relay->takeFrames(), static fn(Frame $frame): bool => ($frame->flags & Frame::CONTROL) !== 0))));
    }

    public function testTheOrderToEndIsObeyedAfterTheRequest(): void
    {
        $this->relay->queue($this->request('a'));
        $this->worker->waitPayload();
        $this->relay->queue(ControlMessage::stop()->toFrame());
        $this->queueResult(1, 'a.B', true);

        self::assertTrue($this->rpc->call('a.B'));
        $this->worker->respond([200, []]);
        self::assertNull($this->worker->waitPayload());
    }

    public function testACallInAStreamSeesThatTheClientHasGone(): void
    {
        $this->relay->queue($this->request('a'));
        $this->worker->waitPayload();
        $stream = $this->worker->stream([200, []]);
        $stream->write('one');
        $this->relay->queue(FrameCodec::encode(new Frame(0, stream: Frame::STOP)) . $this->replyOf(1, 'a.B', true));
        $this->rpc->call('a.B');

        self::assertTrue($stream->isStopped());
    }

    public function testAReplyIsNeverARequest(): void
    {
        $this->queueResult(5, 'a.Old', 'of a call that was given up');
        $this->relay->queue($this->request('a'));

        self::assertSame(['a'], $this->worker->waitPayload()?->head);
    }

    /** @return list<RpcCall> */
    private function sentCalls(): array
    {
        return \array_map(RpcCall::of(...), $this->relay->takeFrames());
    }

    private function request(string $name, int $stream = 0): string
    {
        $head = $this->codec->encode([$name]);

        return FrameCodec::encode(new Frame(Frame::JSON, $head, [\strlen($head)], $stream));
    }

    private function queueResult(int $sequence, string $method, mixed $result): void
    {
        $this->relay->queue($this->replyOf($sequence, $method, $result));
    }

    private function replyOf(int $sequence, string $method, mixed $result): string
    {
        return FrameCodec::encode(new Frame(Frame::MSGPACK, $method . (new MessagePack())->encode($result), [$sequence, \strlen($method)]));
    }

    private function queueError(int $sequence, string $method, string $code, string $message, string $class = '', string $stack = ''): void
    {
        $error = ['message' => $message, 'code' => $code, 'class' => $class, 'stack' => $stack];
        $this->relay->queue(FrameCodec::encode(new Frame(Frame::MSGPACK | Frame::ERROR, $method . (new MessagePack())->encode($error), [$sequence, \strlen($method)])));
    }
}
