<?php

declare(strict_types=1);

namespace Rrts\Internal;

use Rrts\Exception\ProtocolException;
use Rrts\Exception\TransportException;
use Rrts\Protocol\ControlMessage;
use Rrts\Protocol\Frame;
use Rrts\Relay\FrameChannel;

/**
 * Sorts what the master sends: requests, the order to end, and the order to abandon a stream.
 *
 * @internal
 */
final class Inbox
{
    /** @var list<Frame> requests that arrived while another one was being answered */
    private array $requests = [];

    private bool $ended = false;

    private bool $abandoned = false;

    public function __construct(private readonly FrameChannel $channel) {}

    /**
     * Waits for a request; null once the master asked this worker to end or has gone.
     *
     * @throws TransportException
     * @throws ProtocolException
     */
    public function nextRequest(): ?Frame
    {
        // A STOP that crossed the last frame of its stream on the way belongs to no later stream.
        $this->abandoned = false;
        while ($this->requests === [] && !$this->ended) {
            $frame = $this->channel->receive();
            if ($frame === null) {
                $this->ended = true;
            } elseif (($frame->flags & Frame::CONTROL) !== 0 || $frame->stream !== 0) {
                $this->sort($frame);
                $this->abandoned = false;
            } else {
                return $frame;
            }
        }

        return \array_shift($this->requests);
    }

    /**
     * Whether the client of the current stream has gone. Does not wait.
     *
     * @throws TransportException when the master has gone
     * @throws ProtocolException
     */
    public function isStreamAbandoned(): bool
    {
        while (!$this->abandoned && ($frame = $this->channel->poll()) !== null) {
            $this->sort($frame);
        }

        return $this->abandoned;
    }

    private function sort(Frame $frame): void
    {
        if (($frame->flags & Frame::CONTROL) !== 0) {
            $this->ended = $this->ended || ControlMessage::parse($frame->payload)->isStop();
        } elseif (($frame->stream & Frame::STOP) !== 0) {
            $this->abandoned = true;
        } elseif ($frame->options !== []) {
            $this->requests[] = $frame;
        }
    }
}
