<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\ConnectionException;
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
    /** The replies of the current connection. */
    protected Replies $replies;

    /** What Node keeps for the current connection. */
    protected Handles $handles;

    /** A frame is being sent or waited for. */
    private bool $busy = false;

    /** @param int $maxPayload bytes that the name and the argument of a call may have */
    protected function __construct(private readonly int $maxPayload)
    {
        $this->renew();
    }

    final public function call(string $method, mixed $argument = null, ?float $timeout = null): mixed
    {
        return $this->run(new Call($method, $timeout), $argument);
    }

    final public function run(Call $call, mixed $argument): mixed
    {
        // The same as begin() and then wait(), without what only a call needs which is waited for later.
        $bytes = $this->encode($call, $argument);
        $this->enter($call);
        try {
            $sequence = $this->transmit($call, $bytes);
            $frame = $this->receive($this->replies, $sequence, $call, \microtime(true));
        } catch (TransportException $exception) {
            throw self::named($call, $exception);
        } finally {
            $this->busy = false;
            if (isset($sequence) && !isset($frame)) {
                $this->replies->forget($sequence, $call, $this->handles);
            }
        }

        return ReplyReader::read($frame, $call, $this->handles);
    }

    final public function start(string $method, mixed $argument = null, ?float $timeout = null): PendingCall
    {
        return $this->begin(new Call($method, $timeout), $argument);
    }

    final public function notify(string $method, mixed $argument = null): void
    {
        $call = new Call($method);
        $bytes = $this->encode($call, $argument);
        $this->enter($call);
        try {
            $this->open();
            $this->send($this->postscript() . CallFrame::start(Frame::MSGPACK, $this->silentSequence(), $method, \strlen($bytes)), $bytes);
        } catch (TransportException $exception) {
            throw self::named($call, $exception);
        } finally {
            $this->busy = false;
        }
    }

    final public function begin(Call $call, mixed $argument): PendingCall
    {
        $bytes = $this->encode($call, $argument);
        $this->enter($call);
        try {
            $sequence = $this->transmit($call, $bytes);
        } catch (TransportException $exception) {
            throw self::named($call, $exception);
        } finally {
            $this->busy = false;
        }

        return new PendingCall($this, $this->replies, $this->handles, $sequence, $call, \microtime(true));
    }

    final public function handles(): Handles
    {
        return $this->handles;
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
        $reply = $replies->take($sequence);
        if ($reply !== null) {
            return $reply;
        }
        $this->enter($call);
        try {
            return $this->receive($replies, $sequence, $call, $startedAt);
        } catch (TransportException $exception) {
            throw self::named($call, $exception);
        } finally {
            $this->busy = false;
        }
    }

    /**
     * Sends what was given back to Node since the last call. Does nothing when that is nothing, or when the server has gone.
     *
     * @internal
     */
    final public function flush(): void
    {
        if ($this->handles->isPending() && !$this->busy) {
            try {
                $this->send($this->postscript(), '');
            } catch (TransportException) {
                // Then nothing is kept there any more. Who reads next hears of it.
            }
        }
    }

    /**
     * Makes sure that there is a connection.
     *
     * @throws RpcException
     * @throws TransportException
     */
    abstract protected function open(): void;

    /** A sequence number whose reply, if there is one, nobody takes. */
    abstract protected function silentSequence(): int;

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

    /** There is another connection from now on. */
    final protected function renew(): void
    {
        $this->replies = new Replies();
        $this->handles = new Handles();
    }

    /**
     * Sends a call.
     *
     * @return int its sequence number
     *
     * @throws RpcException
     * @throws TransportException
     */
    private function transmit(Call $call, string $bytes): int
    {
        $this->open();
        if ($call->handles !== null && $call->handles !== $this->handles) {
            throw new NodeException("{$call->label}: an object in the call went with the connection that it came on", 'ERR_BRIDGE_RELEASED', $call->method);
        }
        $sequence = $this->replies->expectNext();
        try {
            $this->send($this->postscript() . CallFrame::start(Frame::MSGPACK, $sequence, $call->method, \strlen($bytes), $call->milliseconds()), $bytes);
        } catch (TransportException $exception) {
            $this->replies->giveUp($sequence);

            throw $exception;
        }

        return $sequence;
    }

    /** @throws RpcArgumentException */
    private function encode(Call $call, mixed $argument): string
    {
        try {
            $bytes = MessagePack::shared()->encode($argument);
        } catch (EncodingException $exception) {
            throw new RpcArgumentException("{$call->label}: {$exception->getMessage()}", 'ERR_RPC_ARGUMENT', $call->method, $exception);
        }
        $length = \strlen($call->method) + \strlen($bytes);
        if ($length > $this->maxPayload) {
            throw new RpcArgumentException("{$call->label}: the call has {$length} bytes, the server takes at most {$this->maxPayload}", 'ERR_RPC_TOO_LARGE', $call->method);
        }

        return $bytes;
    }

    /** The frames that give back what PHP needs no more. */
    private function postscript(): string
    {
        if (!$this->handles->isPending()) {
            return '';
        }
        $frames = '';
        foreach ($this->handles->take() as [$method, $argument]) {
            $bytes = MessagePack::shared()->encode($argument);
            $frames .= CallFrame::start(Frame::MSGPACK, $this->silentSequence(), $method, \strlen($bytes)) . $bytes;
        }

        return $frames;
    }

    /**
     * A destructor or a signal handler may run anywhere, also while a frame is half written or half read.
     *
     * @throws RpcException
     */
    private function enter(Call $call): void
    {
        if ($this->busy) {
            throw new RpcException("{$call->label}: another call is being sent or waited for; a destructor or a signal handler came in between", 'ERR_RPC_BUSY', $call->method);
        }
        $this->busy = true;
    }

    private static function named(Call $call, TransportException $exception): TransportException
    {
        $message = "{$call->label}: {$exception->getMessage()}";

        return $exception instanceof ConnectionException ? new ConnectionException($message) : new TransportException($message);
    }
}
