<?php

declare(strict_types=1);

namespace Rrts\Jobs;

use Psr\Container\ContainerInterface;
use Psr\Log\LoggerInterface;
use Rrts\Exception\ConfigurationException;
use Rrts\Exception\ConnectionException;
use Rrts\Exception\ProtocolException;
use Rrts\Exception\TransportException;
use Rrts\Internal\GarbageCollector;
use Rrts\Internal\StderrLogger;
use Rrts\Internal\StdoutGuard;
use Rrts\Payload;
use Rrts\Rpc\RpcInterface;
use Rrts\Worker;

/** Runs the jobs of a queue in this process. */
final class JobWorker
{
    /** What the server starts its workers for. */
    private const MODE_VARIABLE = 'RR_MODE';
    private const MODE = 'jobs';

    private readonly ?LoggerInterface $logger;

    private readonly ?RpcInterface $rpc;

    /** @param LoggerInterface|null $logger as in {@see consume()} */
    public function __construct(private readonly Worker $worker, ?LoggerInterface $logger = null)
    {
        $this->logger = $logger ?? ($worker->debug ? new StderrLogger() : null);
        $this->rpc = $worker->hasRpc() ? $worker->rpc() : null;
    }

    /**
     * Runs jobs until the server says stop. This one call is a whole worker script.
     *
     * A handler that returns has done the job, whatever it returns. One that throws has failed: the job is run again as its pipeline says, or goes to
     * the dead letters at once when the exception is {@see Unrecoverable}. {@see Job::fail()} and {@see Job::requeue()} say it otherwise.
     *
     * @param callable(Job): mixed|array<string, callable(Job): mixed>|ContainerInterface $handler what is called with each job; or by the
     *                                                                                             name of the job; or a container, which has the
     *                                                                                             class that the job is named after, with __invoke(Job)
     * @param LoggerInterface|null $logger gets the exceptions of failed jobs with their traces; by default they go to stderr in debug mode, and else
     *                                     the log of the server has them without a trace
     *
     * @throws ConfigurationException when rrts did not start this process, or not for jobs, or a handler cannot be called
     * @throws TransportException when the channel to the master broke
     * @throws ProtocolException when the master sent something that is no job
     */
    public static function consume(callable|array|ContainerInterface $handler, ?LoggerInterface $logger = null): void
    {
        $handler = JobHandlers::resolve($handler);
        $mode = (string) \getenv(self::MODE_VARIABLE);
        if ($mode !== '' && $mode !== self::MODE) {
            throw new ConfigurationException("This worker runs jobs, and the server started it for {$mode}: its command belongs into jobs.pool.command.");
        }
        (new self(Worker::create(), $logger))->run($handler);
    }

    /** Whether the server started this process to run jobs. */
    public static function isWanted(): bool
    {
        return \getenv(self::MODE_VARIABLE) === self::MODE;
    }

    /**
     * The loop of {@see consume()}.
     *
     * @param \Closure(Job): mixed $handler
     * @param StdoutGuard|null $guard one that is at work already
     *
     * @throws TransportException
     * @throws ProtocolException
     */
    public function run(\Closure $handler, ?StdoutGuard $guard = null): void
    {
        $this->worker->beginNextWithAnswer();
        $guard ??= new StdoutGuard();
        $garbage = new GarbageCollector();
        while (($job = $this->waitJob()) !== null) {
            $answer = $this->answerOf($job, $handler);
            if ($job->isHandedBack()) {
                $this->worker->stop();
            } else {
                $this->worker->respond($answer);
            }
            unset($job);
            $guard->restore();
            $garbage->afterAnswer();
        }
    }

    /**
     * Waits for a job; null when the worker is to end.
     *
     * @throws TransportException when the channel broke
     * @throws ProtocolException when the master sent something that is no job
     */
    public function waitJob(): ?Job
    {
        $payload = $this->worker->waitPayload();

        return $payload === null ? null : $this->jobOf($payload);
    }

    /**
     * @param \Closure(Job): mixed $handler
     *
     * @return array<string, mixed>
     */
    private function answerOf(Job $job, \Closure $handler): array
    {
        try {
            $handler($job);
        } catch (\Throwable $exception) {
            if ($exception instanceof TransportException && !$exception instanceof ConnectionException) {
                throw $exception;
            }
            $this->logger?->error("Job {$job->name} ({$job->id}) of {$job->pipeline} failed in attempt {$job->attempt} of {$job->maxAttempts}:", ['exception' => $exception]);
            if (!$job->isSettled()) {
                $job->fail($exception, !$exception instanceof Unrecoverable);
            }
        }

        return $job->settlement();
    }

    private function jobOf(Payload $payload): Job
    {
        $head = $payload->head;
        $timeout = self::number($head, 'timeout');

        return new Job(
            self::text($head, 'id'),
            self::text($head, 'job'),
            $payload->body,
            self::headers($head['headers'] ?? []),
            self::text($head, 'pipeline'),
            self::text($head, 'driver'),
            self::text($head, 'queue'),
            \max(1, (int) self::number($head, 'attempt')),
            \max(1, (int) self::number($head, 'max_attempts')),
            $timeout > 0.0 ? $timeout / 1000 : null,
            self::number($head, 'pushed_at') / 1000,
            $this->rpc,
        );
    }

    /** @param array<array-key, mixed> $head */
    private static function text(array $head, string $key): string
    {
        $value = $head[$key] ?? null;

        return \is_string($value) ? $value : throw new ProtocolException("Not a job: its head has no text {$key}.");
    }

    /** @param array<array-key, mixed> $head */
    private static function number(array $head, string $key): float
    {
        $value = $head[$key] ?? 0;

        return \is_int($value) || \is_float($value) ? (float) $value : 0.0;
    }

    /** @return array<string, list<string>> */
    private static function headers(mixed $headers): array
    {
        $lists = [];
        foreach (\is_array($headers) ? $headers : [] as $name => $values) {
            $lists[(string) $name] = \array_values(\array_filter((array) $values, \is_string(...)));
        }

        return $lists;
    }
}
