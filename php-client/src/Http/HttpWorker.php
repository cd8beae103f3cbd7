<?php

declare(strict_types=1);

namespace Rrts\Http;

use Psr\Http\Message\ResponseInterface;
use Psr\Http\Server\RequestHandlerInterface;
use Psr\Log\LoggerInterface;
use Rrts\Exception\ConfigurationException;
use Rrts\Exception\ConnectionException;
use Rrts\Exception\ProtocolException;
use Rrts\Exception\TransportException;
use Rrts\Internal\GarbageCollector;
use Rrts\Internal\StderrLogger;
use Rrts\Internal\StdoutGuard;
use Rrts\Worker;

/** Serves HTTP from this process. */
final class HttpWorker
{
    private readonly ResponseWriter $writer;

    /** @var \Closure(int, array<string, string|list<string>>): void */
    private readonly \Closure $inform;

    /** @param LoggerInterface $logger gets exceptions that handlers do not catch; stderr by default */
    public function __construct(
        private readonly Worker $worker,
        private readonly LoggerInterface $logger = new StderrLogger(),
    ) {
        $this->writer = new ResponseWriter($worker);
        $this->inform = $this->writer->inform(...);
    }

    /**
     * Serves requests until the master says stop. This one call is a whole worker script.
     *
     * The handler is a PSR-15 handler; or a callable whose first parameter is a PSR-7 request; or any other callable,
     * which gets a {@see Request}. It returns a PSR-7 response, a {@see Response}, or a string for a page with status 200.
     *
     * @param Psr17Factories|null $factories for PSR-7 requests; found by itself by default
     * @param LoggerInterface|null $logger gets exceptions that the handler does not catch; stderr by default
     *
     * @throws ConfigurationException when rrts did not start this process, or a PSR-17 package is missing
     * @throws TransportException when the channel to the master broke
     * @throws ProtocolException when the master sent something that is no request
     */
    public static function serve(callable|RequestHandlerInterface $handler, ?Psr17Factories $factories = null, ?LoggerInterface $logger = null): void
    {
        $handler = HandlerResolver::resolve($handler, $factories);
        (new self(Worker::create(), $logger ?? new StderrLogger()))->run($handler);
    }

    /**
     * The loop of {@see serve()} for a handler that takes a {@see Request}.
     *
     * @param \Closure(Request): mixed $handler
     *
     * @throws TransportException
     * @throws ProtocolException
     */
    public function run(\Closure $handler): void
    {
        $this->worker->beginNextWithAnswer();
        $guard = new StdoutGuard();
        $garbage = new GarbageCollector();
        while (($request = $this->waitRequest()) !== null) {
            try {
                $this->respond($handler($request));
            } catch (\Throwable $exception) {
                if ($exception instanceof TransportException && !$exception instanceof ConnectionException) {
                    throw $exception;
                }
                $this->fail($exception, $request);
            }
            unset($request);
            $guard->restore();
            $garbage->afterAnswer();
        }
    }

    /**
     * Waits for a request; null when the worker is to end. A job, which a pool of jobs without a command of its own gets here, fails and says why.
     *
     * @throws TransportException when the channel broke
     * @throws ProtocolException when the master sent something that is no request
     */
    public function waitRequest(): ?Request
    {
        $payload = $this->worker->waitPayload();
        while ($payload !== null && isset($payload->head['job'])) {
            $this->worker->error('This worker answers requests, and the server gave it a job: jobs.pool.command must name the script that runs jobs.');
            $payload = $this->worker->waitPayload();
        }

        return $payload === null ? null : RequestMapper::map($payload, $this->inform);
    }

    /**
     * Sends the answer, streaming it where its body is a stream.
     *
     * @param mixed $response a {@see Response}, a PSR-7 response or a string for a page with status 200
     *
     * @throws TransportException when the master has gone
     * @throws \TypeError for anything else
     */
    public function respond(mixed $response): void
    {
        match (true) {
            $response instanceof Response => $this->writer->write($response),
            $response instanceof ResponseInterface => $this->writer->writePsr($response),
            \is_string($response) => $this->writer->write(Response::html($response)),
            default => throw new \TypeError('The handler returned ' . \get_debug_type($response) . '; ' . Response::class . ', ' . ResponseInterface::class . ' or string expected.'),
        };
    }

    /**
     * Sends an informational response, such as 103 with a Link header, ahead of the answer.
     *
     * @param int $status 100 to 199, not 101
     * @param array<string, string|list<string>> $headers
     *
     * @throws TransportException when the master has gone
     * @throws \LogicException without a request in hand
     */
    public function inform(int $status, array $headers): void
    {
        $this->writer->inform($status, $headers);
    }

    /**
     * Logs an exception and, unless the answer is out already, answers with 500: a readable page in debug mode, else an
     * error frame of one line that the master turns into its own page.
     *
     * @throws TransportException when the master has gone
     */
    public function fail(\Throwable $exception, Request $request): void
    {
        $this->logger->error("Uncaught exception in {$request->method} {$request->target()}:", ['exception' => $exception]);
        if (!$this->worker->isBusy()) {
            return;
        }
        if ($this->worker->debug && !$this->worker->isStreaming()) {
            $this->writer->write(ErrorPage::of($exception, \str_contains($request->header('accept') ?? '', 'text/html')));
        } else {
            $this->worker->error(StderrLogger::summarize($exception));
        }
    }
}
