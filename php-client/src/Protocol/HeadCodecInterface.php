<?php

declare(strict_types=1);

namespace Rrts\Protocol;

use Rrts\Exception\ProtocolException;

/** How the head of a request or a reply is written; docs/protocol.md section 4. Strings are bytes of any value. */
interface HeadCodecInterface
{
    /** The name in hello and welcome. */
    public function name(): string;

    /** The frame flag that goes with it. */
    public function flag(): int;

    /** @param array<array-key, mixed> $head null, booleans, numbers, byte strings and arrays of them */
    public function encode(array $head): string;

    /**
     * @return array<array-key, mixed>
     *
     * @throws ProtocolException when the bytes are not an array or a map in this codec
     */
    public function decode(string $bytes): array;
}
