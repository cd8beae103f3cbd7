<?php

declare(strict_types=1);

namespace Rrts\Node;

/** A string that Node gets as a Buffer even when it is UTF-8; one that is not becomes a Buffer anyway. */
final class Bytes implements \Stringable
{
    public function __construct(public readonly string $bytes) {}

    /** The same bytes. */
    public function __toString(): string
    {
        return $this->bytes;
    }
}
