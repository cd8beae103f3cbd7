<?php

declare(strict_types=1);

namespace Rrts\Protocol;

/** One Goridge v1 frame; docs/protocol.md section 1 gives the layout. */
final class Frame
{
    public const CONTROL = 0x01;
    public const RAW = 0x04;
    public const JSON = 0x08;
    public const MSGPACK = 0x10;
    public const ERROR = 0x40;
    public const PROTO = 0x80;

    public const STREAM = 0x01;
    public const STOP = 0x02;
    public const PING = 0x04;
    public const PONG = 0x08;

    /** In a request: it was sent ahead, say when you begin it. In a reply, or alone: the next of those is begun. */
    public const BEGIN = 0x10;

    /**
     * @param int $flags bits of CONTROL, RAW, JSON, MSGPACK, ERROR, PROTO
     * @param int $stream bits of STREAM, STOP, PING, PONG, BEGIN
     * @param list<int> $options at most ten unsigned 32-bit numbers
     */
    public function __construct(
        public readonly int $flags,
        public readonly string $payload = '',
        public readonly array $options = [],
        public readonly int $stream = 0,
    ) {}
}
