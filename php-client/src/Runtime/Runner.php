<?php

declare(strict_types=1);

namespace Rrts\Runtime;

use Psr\Log\LoggerInterface;
use Rrts\Exception\ConnectionException;
use Rrts\Exception\TransportException;
use Rrts\Http\HttpWorker;
use Rrts\Http\Request;
use Rrts\Internal\GarbageCollector;
use Rrts\Internal\StderrLogger;
use Rrts\Internal\StdoutGuard;
use Rrts\Worker;
use Symfony\Component\HttpFoundation\Request as SymfonyRequest;
use Symfony\Component\HttpFoundation\Response as SymfonyResponse;
use Symfony\Component\HttpKernel\HttpKernelInterface;
use Symfony\Component\HttpKernel\KernelInterface;
use Symfony\Component\HttpKernel\TerminableInterface;
use Symfony\Component\Runtime\RunnerInterface;

/** Serves requests with a Symfony kernel that stays in memory. */
final class Runner implements RunnerInterface
{
    private readonly StdoutGuard $guard;

    /** @param LoggerInterface $logger gets exceptions that the kernel does not turn into a response */
    public function __construct(
        private readonly HttpKernelInterface $kernel,
        ?StdoutGuard $guard = null,
        private readonly LoggerInterface $logger = new StderrLogger(),
    ) {
        $this->guard = $guard ?? new StdoutGuard();
    }

    /**
     * Boots the kernel, says hello and serves until the master says stop.
     *
     * @return int the exit code, always 0
     *
     * @throws TransportException when the channel to the master broke
     */
    public function run(): int
    {
        Worker::announce();
        // Before the hello: what fails here is a failed boot, and the first request need not wait for it.
        $handler = $this->boot();
        $session = new SessionIsolation();
        $requests = new RequestFactory($_SERVER);
        $worker = Worker::create();
        $http = new HttpWorker($worker, $this->logger);
        $sender = new ResponseSender($worker);
        $garbage = new GarbageCollector(interval: 1);
        EarlyHints::enable($http);
        while (($request = $http->waitRequest()) !== null) {
            $this->serve($request, $handler, $requests, $sender, $http);
            unset($request);
            $session->reset();
            $this->guard->restore();
            $garbage->afterAnswer();
        }

        return 0;
    }

    private function serve(Request $request, HttpKernelInterface $handler, RequestFactory $requests, ResponseSender $sender, HttpWorker $http): void
    {
        try {
            $symfonyRequest = $requests->create($request);
            $response = $handler->handle($symfonyRequest);
            $sender->send($response);
        } catch (\Throwable $exception) {
            if ($exception instanceof TransportException && !$exception instanceof ConnectionException) {
                throw $exception;
            }
            $http->fail($exception, $request);
        }
        if (isset($symfonyRequest, $response) && $handler instanceof TerminableInterface) {
            $this->terminate($handler, $symfonyRequest, $response);
        }
    }

    private function terminate(TerminableInterface $handler, SymfonyRequest $request, SymfonyResponse $response): void
    {
        try {
            $handler->terminate($request, $response);
        } catch (\Throwable $exception) {
            // The client has its answer; what failed afterwards is for the log alone.
            $this->logger->error('Uncaught exception in terminate():', ['exception' => $exception]);
        }
    }

    private function boot(): HttpKernelInterface
    {
        if (!$this->kernel instanceof KernelInterface) {
            return $this->kernel;
        }
        $this->kernel->boot();
        // A kernel hands the first request to its HTTP cache and, being booted then, passes it by ever after.
        $container = $this->kernel->getContainer();
        $cache = $container->has('http_cache') ? $container->get('http_cache') : null;

        return $cache instanceof HttpKernelInterface ? $cache : $this->kernel;
    }
}
