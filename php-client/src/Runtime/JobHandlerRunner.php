<?php

declare(strict_types=1);

namespace Rrts\Runtime;

use Psr\Container\ContainerInterface;
use Rrts\Jobs\Job;
use Rrts\Jobs\JobWorker;
use Symfony\Component\Runtime\RunnerInterface;

/** Runs jobs with what a front controller returned. */
final class JobHandlerRunner implements RunnerInterface
{
    /** @param (callable(Job): mixed)|ContainerInterface $handler as {@see JobWorker::consume()} takes it */
    public function __construct(private $handler) {}

    /** Runs jobs until the master says stop; the exit code. */
    public function run(): int
    {
        JobWorker::consume($this->handler);

        return 0;
    }
}
