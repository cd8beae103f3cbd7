<?php

declare(strict_types=1);

namespace Rrts\KeyValue;

/** Turns values into the bytes that a storage keeps. */
interface SerializerInterface
{
    /** @throws \Throwable when the value cannot be written */
    public function serialize(mixed $value): string;

    /** @throws \Throwable when the bytes cannot be read */
    public function unserialize(string $bytes): mixed;
}
