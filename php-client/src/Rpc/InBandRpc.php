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

    /**
     * @internal
     *
     * @param Replies $replies where the inbox puts them
     * @param int $maxPayload bytes that the name and the argument of a call may have
     */
    public function __construct(
        private readonly FrameChannel $channel,
        private readonly Inbox $inbox,
        Replies $replies,
        int $maxPayload,
    ) {
        parent::__construct($maxPayload);
        $this->replies = $replies;
    }

    protected function open(): void
    {
        // The channel is there before the worker is.
    }

    protected function silentSequence(): int
    {
        return CallFrame::NO_REPLY;
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
