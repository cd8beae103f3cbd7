<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Protocol\Frame;

/**
 * The replies of one connection, each for the call that waits for it. One that nobody expects is dropped: its call was
 * given up, or was made by a process before this one.
 *
 * @internal
 */
final class Replies
{
    /** @var array<int, Frame|\Closure(Frame): void|null> by sequence number: the reply, or who takes it late, or null while it is awaited */
    private array $calls = [];

    private int $sequence = CallFrame::NO_REPLY;

    /** The sequence number of a new call. */
    public function expectNext(): int
    {
        do {
            $this->sequence = $this->sequence === CallFrame::MAX_SEQUENCE ? CallFrame::NO_REPLY + 1 : $this->sequence + 1;
        } while (\array_key_exists($this->sequence, $this->calls));
        $this->calls[$this->sequence] = null;

        return $this->sequence;
    }

    /** Sorts a frame with two options. */
    public function accept(Frame $frame): void
    {
        $sequence = $frame->options[0];
        $call = $this->calls[$sequence] ?? null;
        if ($call instanceof \Closure) {
            unset($this->calls[$sequence]);
            $call($frame);
        } elseif ($call === null && \array_key_exists($sequence, $this->calls)) {
            $this->calls[$sequence] = $frame;
        }
    }

    /** The reply, once; null while it has not come. */
    public function take(int $sequence): ?Frame
    {
        $frame = $this->calls[$sequence] ?? null;
        if (!$frame instanceof Frame) {
            return null;
        }
        unset($this->calls[$sequence]);

        return $frame;
    }

    /** Whether the call has neither its reply nor been given up. */
    public function isExpected(int $sequence): bool
    {
        return \array_key_exists($sequence, $this->calls);
    }

    /**
     * Nobody waits for the reply any more.
     *
     * @param \Closure(Frame): void|null $late gets it all the same, now or later; it must not throw
     */
    public function giveUp(int $sequence, ?\Closure $late = null): void
    {
        $reply = $this->calls[$sequence] ?? null;
        if ($late === null || $reply instanceof Frame) {
            unset($this->calls[$sequence]);
            if ($late !== null && $reply instanceof Frame) {
                $late($reply);
            }
        } elseif (\array_key_exists($sequence, $this->calls)) {
            $this->calls[$sequence] = $late;
        }
    }

    /** Nobody waits for the reply to this call any more. */
    public function forget(int $sequence, Call $call, Handles $handles): void
    {
        // A result with objects must be read, or Node would keep those for as long as the connection lives.
        $this->giveUp($sequence, $call->revive === null ? null : static function (Frame $frame) use ($call, $handles): void {
            try {
                ReplyReader::read($frame, $call, $handles);
            } catch (\Throwable) {
                // Nobody asks any more.
            }
        });
    }

    /** Calls whose reply has not been taken. */
    public function count(): int
    {
        return \count($this->calls);
    }
}
