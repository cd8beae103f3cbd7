<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

use Rrts\Exception\TransportException;
use Rrts\Protocol\ControlMessage;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;
use Rrts\Protocol\HeadCodecInterface;
use Rrts\Relay\RelayInterface;

/** A relay without a peer: what is queued is read, what is written is recorded. */
final class MemoryRelay implements RelayInterface
{
    public string $written = '';

    /** Writes, that is system calls a real relay would make. */
    public int $writes = 0;

    /** @var list<string> */
    private array $queue;

    public function __construct(string ...$queue)
    {
        $this->queue = \array_values($queue);
    }

    /** A relay whose master has said welcome. */
    public static function welcoming(HeadCodecInterface $codec, bool $debug = false, int $rpcMax = 0): self
    {
        return new self(ControlMessage::welcome($codec->name(), $debug, $rpcMax)->toFrame());
    }

    public function queue(string $bytes): void
    {
        $this->queue[] = $bytes;
    }

    /** @param array<string, mixed> $head */
    public function queueRequest(HeadCodecInterface $codec, array $head, string $body = ''): void
    {
        $bytes = $codec->encode($head);
        $this->queue(FrameCodec::encode(new Frame($codec->flag(), $bytes . $body, [\strlen($bytes)])));
    }

    /**
     * The frames written since the last call.
     *
     * @return list<Frame>
     */
    public function takeFrames(): array
    {
        $decoder = new FrameDecoder();
        $decoder->push($this->written);
        $this->written = '';
        $frames = [];
        for ($frame = $decoder->next(); $frame !== null; $frame = $decoder->next()) {
            $frames[] = $frame;
        }

        return $frames;
    }

    public function read(int $limit): string
    {
        $bytes = \array_shift($this->queue) ?? '';
        if (\strlen($bytes) > $limit) {
            \array_unshift($this->queue, \substr($bytes, $limit));
        }

        return \substr($bytes, 0, $limit);
    }

    public function readExactly(int $length): string
    {
        throw new TransportException("Nothing reads {$length} bytes here.");
    }

    public function writeAll(string $bytes): void
    {
        $this->writes++;
        $this->written .= $bytes;
    }

    public function isReadable(): bool
    {
        return $this->queue !== [];
    }

    public function close(): void
    {
        $this->queue = [];
    }
}
