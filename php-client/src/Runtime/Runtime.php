<?php

declare(strict_types=1);

namespace Rrts\Runtime;

use Psr\Http\Server\RequestHandlerInterface;
use Rrts\Internal\StdoutGuard;
use Rrts\Relay\RelayFactory;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\HttpKernelInterface;
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
            $_SERVER['APP_RUNTIME_MODE'] ??= $_ENV['APP_RUNTIME_MODE'] ??= 'web=1&worker=1';
        }
        parent::__construct($options);
    }

    /**
     * A runner that serves requests for a kernel, a PSR-15 handler or a fixed response; the parent's for anything else.
     *
     * @param object|null $application what the front controller's closure returned
     */
    public function getRunner(?object $application): RunnerInterface
    {
        return match (true) {
            $this->guard === null => parent::getRunner($application),
            $application instanceof HttpKernelInterface => new Runner($application, $this->guard),
            $application instanceof Response => new Runner(new FixedResponseKernel($application), $this->guard),
            $application instanceof RequestHandlerInterface => new HandlerRunner($application),
            default => parent::getRunner($application),
        };
    }
}
