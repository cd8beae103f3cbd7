<?php

declare(strict_types=1);

namespace Rrts\Jobs;

use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;
use Rrts\Rpc\RpcInterface;

/**
 * A job that is run. A handler that returns has done it, one that throws has failed; {@see fail()} and {@see requeue()} say something else.
 * The constructor is for tests of handlers, too.
 */
final class Job
{
    private const MS = 1000.0;
    private const HANDED_BACK = 'handed back';
    /** Between two messages of progress, in nanoseconds. */
    private const PROGRESS_INTERVAL = 100_000_000;

    /** @var array<string, mixed>|null what the worker is to answer */
    private ?array $settlement = null;

    /** @var array{float, string}|null percent and message that were sent last */
    private ?array $progress = null;

    private int $progressAt = 0;

    /**
     * @param string $id given at its push; the same in each attempt
     * @param string $name what is to be done: the name of a class, as a rule
     * @param string $payload bytes, as they were pushed
     * @param array<string, list<string>> $headers
     * @param string $driver of the pipeline: local, redis ...
     * @param string $queue its name in the broker
     * @param int $attempt 1 for the first run, one more after each that failed
     * @param int $maxAttempts runs that may fail
     * @param float|null $timeout seconds that this run may take; null without a limit
     * @param float $pushedAt seconds since 1970, with fraction
     * @param RpcInterface|null $rpc to tell the progress; null tells nobody
     */
    public function __construct(
        public readonly string $id,
        public readonly string $name,
        public readonly string $payload = '',
        public readonly array $headers = [],
        public readonly string $pipeline = '',
        public readonly string $driver = '',
        public readonly string $queue = '',
        public readonly int $attempt = 1,
        public readonly int $maxAttempts = 1,
        public readonly ?float $timeout = null,
        public readonly float $pushedAt = 0.0,
        private readonly ?RpcInterface $rpc = null,
    ) {}

    /** The first value of a header; null when there is none. */
    public function header(string $name): ?string
    {
        return $this->headers[$name][0] ?? null;
    }

    /**
     * The payload, decoded from JSON; objects become arrays.
     *
     * @throws UnrecoverableException when it is no JSON: it would not be the next time either
     */
    public function json(): mixed
    {
        try {
            return \json_decode($this->payload, true, flags: \JSON_THROW_ON_ERROR);
        } catch (\JsonException $exception) {
            throw new UnrecoverableException("The payload of the job {$this->name} is no JSON: {$exception->getMessage()}", 0, $exception);
        }
    }

    /**
     * Tells how far the job is: `rrts jobs` shows it. At most ten times in a second, the rest is left out, but for the end.
     *
     * @param float $percent 0 to 100
     *
     * @throws RpcException when it cannot be sent
     * @throws TransportException when the server has gone
     */
    public function progress(float $percent, string $message = ''): void
    {
        $percent = \is_nan($percent) ? 0.0 : \max(0.0, \min(100.0, $percent));
        $now = \hrtime(true);
        if ($this->rpc === null || $this->progress === [$percent, $message] || ($this->progress !== null && $percent < 100.0 && $now - $this->progressAt < self::PROGRESS_INTERVAL)) {
            return;
        }
        $this->progress = [$percent, $message];
        $this->progressAt = $now;
        $this->rpc->notify('jobs.Progress', ['id' => $this->id, 'pipeline' => $this->pipeline, 'percent' => $percent] + ($message === '' ? [] : ['message' => $message]));
    }

    /**
     * Puts the job back by the application's own wish, for instance because what it needs is not there yet: that is no failure and counts no
     * attempt, so nothing but the application ends it. The server is told when the handler returns.
     *
     * @param float $delaySeconds until it is run again
     * @param array<string, string|list<string>> $headers put over those it has
     * @param string $reason for the log
     *
     * @throws \LogicException when the job is settled already
     * @throws \InvalidArgumentException for a delay that is no time
     * @throws QueueException for a header whose name is empty or a number
     */
    public function requeue(float $delaySeconds = 0.0, array $headers = [], string $reason = ''): void
    {
        $head = ['result' => 'requeue', 'delay' => self::milliseconds($delaySeconds)] + ($reason === '' ? [] : Failure::head($reason));
        $this->settle($headers === [] ? $head : $head + ['headers' => NewJob::headerLists($headers)]);
    }

    /**
     * Says that the job failed. The server is told when the handler returns.
     *
     * @param string|\Throwable $reason for the log and the dead letter
     * @param bool $retry false: to the dead letters at once
     * @param float|null $delay seconds until the next attempt; null for what the pipeline says
     * @param array<string, string|list<string>> $headers put over those it has, for the next attempt to know
     *
     * @throws \LogicException when the job is settled already
     * @throws \InvalidArgumentException for a delay that is no time
     * @throws QueueException for a header whose name is empty or a number
     */
    public function fail(string|\Throwable $reason, bool $retry = true, ?float $delay = null, array $headers = []): void
    {
        $head = ['result' => 'failed'] + Failure::head($reason);
        $head += ($retry ? [] : ['retry' => false]) + ($delay === null ? [] : ['delay' => self::milliseconds($delay)]);
        $this->settle($headers === [] ? $head : $head + ['headers' => NewJob::headerLists($headers)]);
    }

    /**
     * Gives the job back unhandled and ends this worker, when the handler returns: another worker gets the job, and a new one takes the place of this one.
     * It counts as no attempt. For a handler that knows that its process must not go on.
     *
     * @throws \LogicException when the job is settled already
     */
    public function handBack(): void
    {
        $this->settle(['result' => self::HANDED_BACK]);
    }

    /** Whether {@see fail()}, {@see requeue()} or {@see handBack()} was called. */
    public function isSettled(): bool
    {
        return $this->settlement !== null;
    }

    /**
     * Whether it was {@see handBack()}.
     *
     * @internal
     */
    public function isHandedBack(): bool
    {
        return ($this->settlement['result'] ?? null) === self::HANDED_BACK;
    }

    /**
     * The head of the worker's answer.
     *
     * @internal
     *
     * @return array<string, mixed>
     */
    public function settlement(): array
    {
        return $this->settlement ?? [];
    }

    /** @param array<string, mixed> $head */
    private function settle(array $head): void
    {
        if ($this->settlement !== null) {
            throw new \LogicException("The job {$this->name} is settled already: " . \json_encode($this->settlement['result']) . '.');
        }
        $this->settlement = $head;
    }

    private static function milliseconds(float $seconds): int
    {
        if (!($seconds >= 0.0 && $seconds < NewJob::LONGEST)) {
            throw new \InvalidArgumentException("A delay must be a number of seconds that is not negative, and is {$seconds}.");
        }

        return (int) \ceil($seconds * self::MS);
    }
}
