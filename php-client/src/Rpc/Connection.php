<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\EncodingException;
use Rrts\Exception\NodeException;
use Rrts\Exception\RpcArgumentException;
use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;
use Rrts\Protocol\Frame;

/**
 * Calls over a channel, whichever it is.
 *
 * @internal
 */
abstract class Connection implements ConnectionInterface
{
    /** A frame is being sent or waited for. */
    private bool $busy = false;

    final public function call(string $method, mixed $argument = null, ?float $timeout = null): mixed
    {
        return $this->run(new Call($method, $timeout), $argument);
    }

    /**
     * Sends a call and waits for its result. The same as {@see begin()} and then wait(), without the object and the closures
     * that only a call needs which is waited for later: they cost half of the time that a call takes in PHP.
     */
    final public function run(Call $call, mixed $argument): mixed
    {
        $bytes = $this->encode($call, $argument);
        $this->expectIdle($call);
        $this->busy = true;
        try {
            $this->open();
            $handles = $this->handlesFor($call);
            $replies = $this->replies();
            $startedAt = \microtime(true);
            $sequence = $replies->expectNext();
            try {
                $this->send($this->postscript() . CallFrame::start(Frame::MSGPACK, $sequence, $call->method, \strlen($bytes), $call->milliseconds()), $bytes);
                $frame = $this->receive($replies, $sequence, $call, $startedAt);
            } catch (\Throwable $failure) {
                $replies->forget($sequence, $call, $handles);

                throw $failure;
            }
        } catch (TransportException $exception) {
            throw new TransportException("{$call->label}: {$exception->getMessage()}");
        } finally {
            $this->busy = false;
        }

        return ReplyReader::read($frame, $call, $handles);
    }

    final public function start(string $method, mixed $argument = null, ?float $timeout = null): PendingCall
    {
        return $this->begin(new Call($method, $timeout), $argument);
    }

    final public function notify(string $method, mixed $argument = null): void
    {
        $call = new Call($method);
        $bytes = $this->encode($call, $argument);
        $this->exclusively($call, function () use ($call, $bytes): void {
            $this->open();
            $this->send($this->postscript() . CallFrame::start(Frame::MSGPACK, $this->silentSequence(), $call->method, \strlen($bytes)), $bytes);
        });
    }

    final public function begin(Call $call, mixed $argument): PendingCall
    {
        $bytes = $this->encode($call, $argument);

        return $this->exclusively($call, function () use ($call, $bytes): PendingCall {
            $this->open();
            $handles = $this->handlesFor($call);
            $startedAt = \microtime(true);
            $replies = $this->replies();
            $sequence = $replies->expectNext();
            try {
                $this->send($this->postscript() . CallFrame::start(Frame::MSGPACK, $sequence, $call->method, \strlen($bytes), $call->milliseconds()), $bytes);
            } catch (TransportException $exception) {
                $replies->giveUp($sequence);

                throw $exception;
            }

            return new PendingCall($this, $replies, $handles, $sequence, $call, $startedAt);
        });
    }

    /**
     * Waits for a reply.
     *
     * @internal
     *
     * @throws RpcException when it does not come in time
     * @throws TransportException when it cannot come any more
     */
    final public function await(Replies $replies, int $sequence, Call $call, float $startedAt): Frame
    {
        return $replies->take($sequence) ?? $this->exclusively($call, fn(): Frame => $this->receive($replies, $sequence, $call, $startedAt));
    }

    /**
     * Sends what was given back to Node since the last call. Does nothing when that is nothing, or when the server has gone.
     *
     * @internal
     */
    final public function flush(): void
    {
        if ($this->handles()->isPending() && !$this->busy) {
            try {
                $this->send($this->postscript(), '');
            } catch (TransportException) {
                // Then nothing is kept there any more. Who reads next hears of it.
            }
        }
    }

    /** Makes sure that there is a connection. */
    abstract protected function open(): void;

    /** The replies of the current connection. */
    abstract protected function replies(): Replies;

    /** A sequence number whose reply, if there is one, nobody takes. */
    abstract protected function silentSequence(): int;

    /** Bytes that the name and the argument of a call may have. */
    abstract protected function maxPayload(): int;

    /**
     * @param string $start whole frames and the start of one
     * @param string $argument the rest of that; may be large
     *
     * @throws TransportException
     */
    abstract protected function send(string $start, string $argument): void;

    /**
     * @throws RpcException
     * @throws TransportException
     */
    abstract protected function receive(Replies $replies, int $sequence, Call $call, float $startedAt): Frame;

    /** @throws RpcArgumentException */
    private function encode(Call $call, mixed $argument): string
    {
        try {
            $bytes = MessagePack::shared()->encode($argument);
        } catch (EncodingException $exception) {
            throw new RpcArgumentException("{$call->label}: {$exception->getMessage()}", 'ERR_RPC_ARGUMENT', $call->method, $exception);
        }
        $length = \strlen($call->method) + \strlen($bytes);
        if ($length > $this->maxPayload()) {
            throw new RpcArgumentException("{$call->label}: the call has {$length} bytes, the server takes at most {$this->maxPayload()}", 'ERR_RPC_TOO_LARGE', $call->method);
        }

        return $bytes;
    }

    /** The frames that give back what PHP needs no more. */
    private function postscript(): string
    {
        $frames = '';
        foreach ($this->handles()->isPending() ? $this->handles()->take() : [] as [$method, $argument]) {
            $bytes = MessagePack::shared()->encode($argument);
            $frames .= CallFrame::start(Frame::MSGPACK, $this->silentSequence(), $method, \strlen($bytes)) . $bytes;
        }

        return $frames;
    }

    /**
     * A destructor or a signal handler may run anywhere, also while a frame is half written or half read.
     *
     * @template T
     *
     * @param \Closure(): T $work
     *
     * @return T
     *
     * @throws RpcException
     * @throws TransportException
     */
    private function exclusively(Call $call, \Closure $work): mixed
    {
        $this->expectIdle($call);
        $this->busy = true;
        try {
            return $work();
        } catch (TransportException $exception) {
            throw new TransportException("{$call->label}: {$exception->getMessage()}");
        } finally {
            $this->busy = false;
        }
    }

    /** @throws RpcException */
    private function expectIdle(Call $call): void
    {
        if ($this->busy) {
            throw new RpcException("{$call->label}: another call is being sent or waited for; a destructor or a signal handler came in between", 'ERR_RPC_BUSY', $call->method);
        }
    }

    /** @throws NodeException when an object in the call belongs to an earlier connection */
    private function handlesFor(Call $call): Handles
    {
        $handles = $this->handles();
        if ($call->handles !== null && $call->handles !== $handles) {
            throw new NodeException("{$call->label}: an object in the call went with the connection that it came on", 'ERR_BRIDGE_RELEASED', $call->method);
        }

        return $handles;
    }
}
