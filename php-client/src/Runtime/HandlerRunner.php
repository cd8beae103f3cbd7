<?php

declare(strict_types=1);

namespace Rrts\Runtime;

use Psr\Http\Server\RequestHandlerInterface;
use Rrts\Http\HttpWorker;
use Symfony\Component\Runtime\RunnerInterface;

/** Serves a PSR-15 handler that a front controller returned. */
final class HandlerRunner implements RunnerInterface
{
    public function __construct(private readonly RequestHandlerInterface $handler) {}

    /** Serves until the master says stop; the exit code. */
    public function run(): int
    {
        HttpWorker::serve($this->handler);

        return 0;
    }
}
