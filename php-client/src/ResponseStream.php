<?php

declare(strict_types=1);

namespace Rrts;

use Rrts\Exception\StreamStoppedException;
use Rrts\Exception\TransportException;
use Rrts\Internal\Inbox;
use Rrts\Protocol\Frame;
use Rrts\Relay\FrameChannel;

/** A reply that is sent piece by piece; {@see Worker::stream()} opens it. */
final class ResponseStream
{
    private string $head;

    private bool $ended = false;

    private bool $stopped = false;

    /**
     * @internal
     *
     * @param \Closure(): void $onEnd
     */
    public function __construct(
        private readonly FrameChannel $channel,
        private readonly Inbox $inbox,
        private readonly int $flag,
        string $head,
        private readonly \Closure $onEnd,
    ) {
        $this->head = $head;
    }

    /**
     * Sends a piece at once; the first one takes the head along. An empty first piece sends the head alone.
     *
     * @throws StreamStoppedException when the client has gone; every further call throws it too
     * @throws TransportException when the master has gone
     * @throws \LogicException after the end
     */
    public function write(string $chunk): void
    {
        if ($this->ended) {
            throw new \LogicException('The stream has ended.');
        }
        if ($this->isStopped()) {
            throw new StreamStoppedException('The client has gone.');
        }
        if ($chunk !== '' || $this->head !== '') {
            $this->channel->sendReply($this->flag, Frame::STREAM, $this->head, $chunk);
            $this->head = '';
        }
    }

    /**
     * Whether the client has gone. Does not wait.
     *
     * @throws TransportException when the master has gone
     */
    public function isStopped(): bool
    {
        return $this->stopped = $this->stopped || $this->inbox->isStreamAbandoned();
    }

    /** Whether the head is on its way, so that the status cannot be changed any more. */
    public function hasBegun(): bool
    {
        return $this->head === '';
    }

    /**
     * Sends the last frame; a second call does nothing.
     *
     * @throws TransportException when the master has gone
     */
    public function end(): void
    {
        if (!$this->ended) {
            $this->ended = true;
            $this->channel->sendReply($this->flag, 0, $this->head, '');
            ($this->onEnd)();
        }
    }
}
