<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Rpc\MessagePack;

/** A call as the server gets it, and its replies. */
final class RpcCall
{
    private function __construct(
        public readonly int $sequence,
        public readonly string $method,
        public readonly mixed $argument,
        public readonly int $deadline,
    ) {}

    public static function of(Frame $frame): self
    {
        if ($frame->flags !== Frame::MSGPACK || !\in_array(\count($frame->options), [2, 3], true)) {
            throw new \RuntimeException("Not a call: flags {$frame->flags}, " . \count($frame->options) . ' options, "' . \substr($frame->payload, 0, 100) . '".');
        }
        [$sequence, $length] = $frame->options;

        return new self($sequence, \substr($frame->payload, 0, $length), (new MessagePack())->decode(\substr($frame->payload, $length)), $frame->options[2] ?? 0);
    }

    /** The bytes of a reply. */
    public function reply(mixed $result): string
    {
        return $this->frame(Frame::MSGPACK, (new MessagePack())->encode($result));
    }

    /** The bytes of an error. */
    public function error(string $code, string $message, string $class = '', string $stack = ''): string
    {
        return $this->frame(Frame::MSGPACK | Frame::ERROR, (new MessagePack())->encode(['message' => $message, 'code' => $code, 'class' => $class] + ($stack === '' ? [] : ['stack' => $stack])));
    }

    /** The bytes of an error as RoadRunner writes it. */
    public function plainError(string $message): string
    {
        return $this->frame(Frame::MSGPACK | Frame::ERROR, $message);
    }

    private function frame(int $flags, string $bytes): string
    {
        return FrameCodec::encode(new Frame($flags, $this->method . $bytes, [$this->sequence, \strlen($this->method)]));
    }
}
