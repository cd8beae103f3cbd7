<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Internal\Inbox;
use Rrts\Protocol\Frame;
use Rrts\Relay\FrameChannel;

/** Calls on the channel of a native worker: no port, no token, no connection of their own. {@see \Rrts\Worker::rpc()} gives it. */
final class InBandRpc extends Connection
{
    /** From here on an argument is written by itself: a system call is cheaper than copying it behind its header. */
    private const COPY_LIMIT = 131072;

    private readonly Handles $handles;

    /** @internal */
    public function __construct(
        private readonly FrameChannel $channel,
        private readonly Inbox $inbox,
        private readonly Replies $replies,
        private readonly int $maxPayload,
    ) {
        $this->handles = new Handles();
    }

    public function handles(): Handles
    {
        return $this->handles;
    }

    protected function open(): void
    {
        // The channel is there before the worker is.
    }

    protected function replies(): Replies
    {
        return $this->replies;
    }

    protected function silentSequence(): int
    {
        return CallFrame::NO_REPLY;
    }

    protected function maxPayload(): int
    {
        return $this->maxPayload;
    }

    protected function send(string $start, string $argument): void
    {
        if (\strlen($argument) < self::COPY_LIMIT) {
            $this->channel->send($start . $argument);
        } else {
            $this->channel->send($start);
            $this->channel->send($argument);
        }
    }

    /** Without a time limit of its own: the master answers every call in time, and ends this worker when it takes too long. */
    protected function receive(Replies $replies, int $sequence, Call $call, float $startedAt): Frame
    {
        return $this->inbox->waitForReply($sequence);
    }
}
