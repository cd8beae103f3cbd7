<?php

declare(strict_types=1);

namespace Rrts\Runtime;

/**
 * The way to throw out of an output callback. PHP turns the callback's result into a string after the callback has
 * succeeded; an exception in the callback itself would make PHP disable it, and print what it was given.
 *
 * @internal
 */
final class ThrownByOutput implements \Stringable
{
    public function __construct(private readonly \Throwable $exception) {}

    public function __toString(): string
    {
        throw $this->exception;
    }
}
