<?php

declare(strict_types=1);

namespace Rrts\Protocol;

use Rrts\Exception\ProtocolException;

/**
 * Bytes in any split to frames. It never trusts the peer: after the first error every call gives that error again,
 * because nothing says where the next frame would begin.
 */
final class FrameDecoder
{
    /** Bytes of payload; a header that names more is refused before anything is allocated. */
    public const DEFAULT_MAX_PAYLOAD = 0x7FFFFFFF;

    private string $buffer = '';

    private ?ProtocolException $failure = null;

    /** Bytes the frame at the front of the buffer has in all; 0 while its header is not read. */
    private int $frameLength = 0;

    public function __construct(private readonly int $maxPayload = self::DEFAULT_MAX_PAYLOAD) {}

    /**
     * Adds bytes as they came from the peer.
     *
     * @throws ProtocolException when the decoder has failed before
     */
    public function push(string $bytes): void
    {
        if ($this->failure !== null) {
            throw $this->failure;
        }
        if ($this->buffer === '') {
            $this->buffer = $bytes;
        } else {
            $this->buffer .= $bytes;
        }
    }

    /**
     * The next whole frame, or null while bytes are missing.
     *
     * @throws ProtocolException when the bytes are not a frame; the message quotes them
     */
    public function next(): ?Frame
    {
        if ($this->failure !== null) {
            throw $this->failure;
        }
        $available = \strlen($this->buffer);
        if ($available < $this->frameLength || $available === 0) {
            return null;
        }
        // The first byte is judged alone: a peer that prints three letters and then waits is an error, not a wait.
        $first = \ord($this->buffer[0]);
        $words = $first & 0x0F;
        if ($first >> 4 !== FrameCodec::VERSION || $words < FrameCodec::MIN_HEADER_WORDS || $words > FrameCodec::MAX_HEADER_WORDS) {
            $this->fail($this->firstByteFault($first));
        }
        if ($available < FrameCodec::HEADER_BYTES) {
            return null;
        }
        /** @var array{flags: int, length: int, crc: int, stream: int} $header */
        $header = \unpack('x/Cflags/Vlength/Vcrc/Cstream', $this->buffer);
        if (\crc32(\substr($this->buffer, 0, 6)) !== $header['crc']) {
            $this->fail('checksum of the header does not match');
        }
        if ($header['length'] > $this->maxPayload) {
            $this->fail("payload length {$header['length']} is over the limit of {$this->maxPayload}");
        }
        $headerLength = $words * 4;
        $length = $headerLength + $header['length'];
        if ($available < $length) {
            $this->frameLength = $length;

            return null;
        }

        return $this->take($header['flags'], $header['stream'], $headerLength, $length, $available);
    }

    /** Bytes that the frame at the front still lacks, as far as known; at least 1. */
    public function missing(): int
    {
        return \max(1, $this->frameLength - \strlen($this->buffer));
    }

    /** Whether the bytes so far end between two frames. */
    public function isAtBoundary(): bool
    {
        return $this->buffer === '';
    }

    private function take(int $flags, int $stream, int $headerLength, int $length, int $available): Frame
    {
        $options = [];
        if ($headerLength > FrameCodec::HEADER_BYTES) {
            /** @var non-empty-array<int, int> $words */
            $words = \unpack('V' . ($headerLength / 4 - FrameCodec::MIN_HEADER_WORDS), $this->buffer, FrameCodec::HEADER_BYTES);
            $options = \array_values($words);
        }
        $frame = new Frame($flags, \substr($this->buffer, $headerLength, $length - $headerLength), $options, $stream);
        $this->buffer = $available === $length ? '' : \substr($this->buffer, $length);
        $this->frameLength = 0;

        return $frame;
    }

    private function firstByteFault(int $first): string
    {
        return $first >> 4 === FrameCodec::VERSION
            ? 'header length of ' . ($first & 0x0F) . ' words, 3 to 13 expected'
            : 'version ' . ($first >> 4) . ', 1 expected';
    }

    private function fail(string $reason): never
    {
        $quoted = \addcslashes(\substr($this->buffer, 0, 64), "\0..\37\"\\\177..\377");
        $this->buffer = '';
        $this->failure = new ProtocolException("Not a frame: {$reason}. The bytes begin with \"{$quoted}\".");

        throw $this->failure;
    }
}
