<?php

declare(strict_types=1);

namespace Rrts\Internal;

use Rrts\Exception\ProtocolException;
use Rrts\Exception\TransportException;
use Rrts\Protocol\ControlMessage;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Relay\FrameChannel;
use Rrts\Rpc\Replies;

/**
 * Sorts what the master sends: requests, replies to calls, the order to end, the order to abandon a stream, and the order to
 * throw away what was sent ahead. Says when a request that was sent ahead is begun.
 *
 * @internal
 */
final class Inbox
{
    /** A request that took this long may have had others taken back from behind it; the master waits 10 ms before it does. */
    private const SLOW_NANOSECONDS = 5_000_000;

    /** The longest look for a reply. */
    private const LOOK_NANOSECONDS = 100_000;

    /** Calls in a row that do not look, at most. */
    private const LONGEST_PAUSE = 256;

    /** @var list<Frame> requests that were sent ahead */
    private array $requests = [];

    /** The master has been told that the first of them is begun. */
    private bool $announced = false;

    private bool $ended = false;

    private bool $abandoned = false;

    private bool $refusing = false;

    private int $callsWithoutLooking = 0;

    /** A quarter of the calls that do not look after the next look in vain; 0 means one. */
    private int $pause = 0;

    /** When the last request was handed out. */
    private int $handedOutAt;

    public function __construct(
        private readonly FrameChannel $channel,
        private readonly Replies $replies = new Replies(),
    ) {
        $this->handedOutAt = \hrtime(true);
    }

    /**
     * Waits for a request; null once the master asked this worker to end or has gone.
     *
     * @throws TransportException
     * @throws ProtocolException
     */
    public function nextRequest(): ?Frame
    {
        if (\hrtime(true) - $this->handedOutAt > self::SLOW_NANOSECONDS) {
            $this->sortWhatIsThere();
        }
        while ($this->requests === [] && !$this->ended) {
            $frame = $this->channel->receive();
            if ($frame === null) {
                $this->ended = true;
            } else {
                $this->sort($frame);
            }
        }

        return $this->handOut();
    }

    /**
     * The bits for the last frame of an answer: BEGIN when the next request is here already, for then it is begun with this
     * answer, and the master needs no frame of its own for that.
     *
     * @throws ProtocolException
     */
    public function beginNext(): int
    {
        while ($this->requests === [] && ($frame = $this->channel->buffered()) !== null) {
            $this->sort($frame);
        }
        $next = $this->requests[0] ?? null;
        if ($next === null || $this->announced || ($next->stream & Frame::BEGIN) === 0) {
            return 0;
        }
        // After a slow request what was sent ahead may have been revoked by an order that is not read yet.
        if (\hrtime(true) - $this->handedOutAt > self::SLOW_NANOSECONDS) {
            return 0;
        }
        $this->announced = true;

        return Frame::BEGIN;
    }

    /**
     * Whether the client of the current stream has gone. Does not wait.
     *
     * @throws TransportException when the master has gone
     * @throws ProtocolException
     */
    public function isStreamAbandoned(): bool
    {
        // What stands behind a stream is revoked, however quick the stream is.
        $this->handedOutAt = 0;
        while (!$this->abandoned && ($frame = $this->channel->poll()) !== null) {
            $this->sort($frame);
        }

        return $this->abandoned;
    }

    /**
     * Waits for the reply to a call. What else comes is kept in its order, and orders are obeyed as they come.
     *
     * @throws TransportException when the master has gone
     * @throws ProtocolException
     */
    public function waitForReply(int $sequence): Frame
    {
        while (true) {
            $reply = $this->replies->take($sequence);
            if ($reply !== null) {
                return $reply;
            }
            $this->lookForBytes();
            $frame = $this->channel->receive();
            if ($frame === null) {
                $this->ended = true;

                throw new TransportException('The master closed the channel during a call.');
            }
            $this->sort($frame);
        }
    }

    /** Hands out no further request: when this worker asks to be ended the master gives them all to others. */
    public function refuseRequests(): void
    {
        $this->refusing = true;
        $this->requests = [];
    }

    /**
     * Looks for a reply for some microseconds before this process is put to sleep. On a machine with an idle core that halves the
     * time of a quick call, because waking a process costs more than what most calls do. Where looking is in vain, because the
     * call takes longer or the cores are busy, it only takes time from others: then the next calls do not look, up to 256 of them.
     */
    private function lookForBytes(): void
    {
        if ($this->callsWithoutLooking > 0) {
            --$this->callsWithoutLooking;

            return;
        }
        $end = \hrtime(true) + self::LOOK_NANOSECONDS;
        do {
            $found = $this->channel->isReadable();
            $inTime = \hrtime(true) < $end;
        } while (!$found && $inTime);
        // What was found late was found because others had the core meanwhile.
        if ($inTime) {
            $this->pause = \intdiv($this->pause, 2);
        } else {
            $this->pause = \min(\max(1, $this->pause * 4), self::LONGEST_PAUSE);
            $this->callsWithoutLooking = $this->pause;
        }
    }

    private function handOut(): ?Frame
    {
        $frame = \array_shift($this->requests);
        if ($frame !== null && ($frame->stream & Frame::BEGIN) !== 0 && !$this->announced) {
            $this->channel->send(FrameCodec::encode(new Frame(0, stream: Frame::BEGIN)));
        }
        $this->announced = false;
        // A STOP that crossed the last frame of its stream on the way belongs to no later stream.
        $this->abandoned = false;
        $this->handedOutAt = \hrtime(true);

        return $frame;
    }

    private function sortWhatIsThere(): void
    {
        try {
            while (!$this->ended && ($frame = $this->channel->poll()) !== null) {
                $this->sort($frame);
            }
        } catch (TransportException) {
            // The master has gone; the next read says so too, and knows whether it went inside a frame.
        }
    }

    private function sort(Frame $frame): void
    {
        if (($frame->flags & Frame::CONTROL) !== 0) {
            $this->obey(ControlMessage::parse($frame->payload));
        } elseif (($frame->stream & Frame::STOP) !== 0) {
            $this->abandoned = true;
        } elseif (isset($frame->options[1])) {
            $this->replies->accept($frame);
        } elseif (!$this->refusing && ($frame->options !== [] || $frame->stream === 0)) {
            $this->requests[] = $frame;
        }
    }

    private function obey(ControlMessage $message): void
    {
        $this->ended = $this->ended || $message->isStop();
        if (!$message->isRevoke()) {
            return;
        }
        $kept = [];
        foreach ($this->requests as $i => $frame) {
            // The first one may be announced, or may be the one that the others were sent behind.
            if (($i === 0 && $this->announced) || ($frame->stream & Frame::BEGIN) === 0) {
                $kept[] = $frame;
            }
        }
        $dropped = \count($this->requests) - \count($kept);
        $this->requests = $kept;
        if ($dropped > 0) {
            $this->channel->send(ControlMessage::dropped($dropped)->toFrame());
        }
    }
}
