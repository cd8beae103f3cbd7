<?php

declare(strict_types=1);

namespace Rrts\Relay;

use Rrts\Exception\ProtocolException;
use Rrts\Exception\TransportException;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;

/** Frames over a relay. One read and one write per small frame. */
final class FrameChannel
{
    private const READ_BYTES = 32768;
    private const MAX_READ_BYTES = 1 << 20;

    /** From here on a body is written by itself: a system call is cheaper than copying it behind its header. */
    private const COPY_LIMIT = 131072;

    public function __construct(
        private readonly RelayInterface $relay,
        private readonly FrameDecoder $decoder = new FrameDecoder(),
    ) {}

    /**
     * Waits for a frame; null when the peer closed the channel between two frames.
     *
     * @throws TransportException when it closed inside a frame
     * @throws ProtocolException when it sent something else than a frame
     */
    public function receive(): ?Frame
    {
        $frame = $this->decoder->next();
        while ($frame === null) {
            if (!$this->fill()) {
                return null;
            }
            $frame = $this->decoder->next();
        }

        return $frame;
    }

    /**
     * A frame that has been read already, or null. Asks the system for nothing.
     *
     * @throws ProtocolException when the peer sent something else than a frame
     */
    public function buffered(): ?Frame
    {
        return $this->decoder->next();
    }

    /** Whether {@see receive()} would find bytes, or the end, at once. Asks the system. */
    public function isReadable(): bool
    {
        return $this->relay->isReadable();
    }

    /**
     * A frame that is already there, or null.
     *
     * @throws TransportException when the peer has closed the channel
     * @throws ProtocolException when it sent something else than a frame
     */
    public function poll(): ?Frame
    {
        $frame = $this->decoder->next();
        while ($frame === null && $this->relay->isReadable()) {
            if (!$this->fill()) {
                throw new TransportException('The master closed the channel during a request.');
            }
            $frame = $this->decoder->next();
        }

        return $frame;
    }

    /**
     * Sends bytes that are whole frames.
     *
     * @throws TransportException when the peer has gone
     */
    public function send(string $bytes): void
    {
        $this->relay->writeAll($bytes);
    }

    /**
     * Sends one frame with one option, the length of the head.
     *
     * @throws TransportException when the peer has gone
     */
    public function sendReply(int $flags, int $stream, string $head, string $body): void
    {
        $length = \strlen($body);
        $start = FrameCodec::replyStart($flags, $stream, $head, $length);
        if ($length < self::COPY_LIMIT) {
            $this->relay->writeAll($start . $body);
        } else {
            $this->relay->writeAll($start);
            $this->relay->writeAll($body);
        }
    }

    /** False at the end of the input between two frames. */
    private function fill(): bool
    {
        $bytes = $this->relay->read(\max(self::READ_BYTES, \min($this->decoder->missing(), self::MAX_READ_BYTES)));
        if ($bytes !== '') {
            $this->decoder->push($bytes);

            return true;
        }
        if (!$this->decoder->isAtBoundary()) {
            throw new TransportException('The master closed the channel inside a frame.');
        }

        return false;
    }
}
