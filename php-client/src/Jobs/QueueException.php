<?php

declare(strict_types=1);

namespace Rrts\Jobs;

use Rrts\Exception\RrtsException;

/** Jobs that could not be pushed. None of those that were sent together is known to be stored. */
class QueueException extends \RuntimeException implements RrtsException
{
    /** @param string $errorCode of docs/errors.md, such as ERR_JOBS_STORE */
    public function __construct(string $message, public readonly string $errorCode, ?\Throwable $previous = null)
    {
        parent::__construct($message, 0, $previous);
    }

    /** @internal */
    public static function invalid(string $message, ?\Throwable $previous = null): self
    {
        return new self($message, 'ERR_JOBS_INVALID', $previous);
    }
}
