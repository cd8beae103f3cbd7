<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

/** A message for a bus. */
final class Message
{
    public function __construct(public readonly string $text) {}
}
