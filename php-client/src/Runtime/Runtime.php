<?php

declare(strict_types=1);

namespace Rrts\Runtime;

use Psr\Container\ContainerInterface;
use Psr\Http\Server\RequestHandlerInterface;
use Rrts\Exception\ConfigurationException;
use Rrts\Internal\StdoutGuard;
use Rrts\Jobs\Job;
use Rrts\Jobs\JobWorker;
use Rrts\Relay\RelayFactory;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\HttpKernelInterface;
use Symfony\Component\HttpKernel\KernelInterface;
use Symfony\Component\Runtime\RunnerInterface;
use Symfony\Component\Runtime\SymfonyRuntime;

/**
 * Serves what a Symfony front controller returns: APP_RUNTIME=Rrts\Runtime\Runtime. Where rrts did not start the process,
 * as in bin/console or under PHP-FPM, it is Symfony's own runtime and nothing else. Not final, because applications
 * extend runtimes.
 */
class Runtime extends SymfonyRuntime
{
    private readonly ?StdoutGuard $guard;

    /** @param array<string, mixed> $options as {@see SymfonyRuntime} takes them */
    public function __construct(array $options = [])
    {
        // Before anything can print: PHP refuses to start a session once output has gone out.
        $this->guard = RelayFactory::isWorker() ? new StdoutGuard() : null;
        if ($this->guard !== null) {
            // The kernel reads it: error pages in HTML although this is the command line binary.
            $_SERVER['APP_RUNTIME_MODE'] ??= $_ENV['APP_RUNTIME_MODE'] ??= JobWorker::isWanted() ? 'web=0&worker=1' : 'web=1&worker=1';
        }
        parent::__construct($options);
    }

    /**
     * A runner that serves requests for a kernel, a PSR-15 handler or a fixed response; in a worker that the server started for jobs one that runs them,
     * for a kernel or a callable that takes a {@see \Rrts\Jobs\Job}; the parent's for anything else.
     *
     * @param object|null $application what the front controller's closure returned
     *
     * @throws ConfigurationException for an application that only answers requests, in a worker for jobs
     */
    public function getRunner(?object $application): RunnerInterface
    {
        return match (true) {
            $this->guard === null => parent::getRunner($application),
            JobWorker::isWanted() => $this->getJobRunner($application, $this->guard),
            $application instanceof HttpKernelInterface => new Runner($application, $this->guard),
            $application instanceof Response => new Runner(new FixedResponseKernel($application), $this->guard),
            $application instanceof RequestHandlerInterface => new HandlerRunner($application),
            default => parent::getRunner($application),
        };
    }

    private function getJobRunner(?object $application, StdoutGuard $guard): RunnerInterface
    {
        return match (true) {
            $application instanceof KernelInterface => new JobRunner($application, $guard),
            \is_callable($application), $application instanceof ContainerInterface => new JobHandlerRunner($application),
            $application instanceof HttpKernelInterface, $application instanceof RequestHandlerInterface, $application instanceof Response => throw new ConfigurationException('The server started this application to run jobs, and the front controller returned ' . $application::class . ', which answers requests: a Symfony kernel, or a callable that takes a ' . Job::class . ', expected.'),
            default => parent::getRunner($application),
        };
    }
}
