<?php

declare(strict_types=1);

namespace Rrts\Lock;

use Rrts\Exception\RrtsException;

/** Somebody else held the resource for as long as one was willing to wait. */
final class NotAcquiredException extends \RuntimeException implements RrtsException
{
    public function __construct(public readonly string $resource, public readonly float $wait)
    {
        parent::__construct("The lock of {$resource} could not be had within {$wait} s.");
    }
}
