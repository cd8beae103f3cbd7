<?php

declare(strict_types=1);

namespace Rrts\Jobs;

/** A job to push. Each method gives a changed copy. What a job does not say, its pipeline does. */
final class NewJob
{
    /** Seconds: about thirty thousand years. */
    public const LONGEST = 1e12;

    /** @var array<string, list<string>> */
    private array $headers = [];

    private float|\DateTimeInterface $delay = 0.0;

    /** @var array{id?: string, priority?: int, timeout?: int, max_attempts?: int, unique?: string} as the server takes them */
    private array $options = [];

    /** @var list<array{NewJob, string|null}> */
    private array $chain = [];

    private function __construct(private readonly string $name, private readonly string $payload) {}

    /**
     * @param string $name what is to be done: the name of a class, as a rule
     * @param string $payload bytes, which travel as they are
     *
     * @throws QueueException when the name is empty
     */
    public static function of(string $name, string $payload = ''): self
    {
        return $name === '' ? throw QueueException::invalid('A job must have a name.') : new self($name, $payload);
    }

    /**
     * One with a payload in JSON and a header content-type that says so; {@see Job::json()} reads it.
     *
     * @param mixed $payload what json_encode() takes
     *
     * @throws QueueException when the name is empty or the payload cannot be written
     */
    public static function json(string $name, mixed $payload): self
    {
        try {
            $text = \json_encode($payload, \JSON_THROW_ON_ERROR | \JSON_UNESCAPED_SLASHES | \JSON_UNESCAPED_UNICODE | \JSON_PRESERVE_ZERO_FRACTION);
        } catch (\JsonException $exception) {
            throw QueueException::invalid("The payload of the job {$name} cannot be written as JSON: {$exception->getMessage()}", $exception);
        }

        return self::of($name, $text)->withHeader('content-type', 'application/json');
    }

    /**
     * Replaces a header.
     *
     * @param string|list<string> $value
     *
     * @throws QueueException when the name is empty or a number: PHP cannot tell numbers from texts there
     */
    public function withHeader(string $name, string|array $value): self
    {
        $copy = clone $this;
        $copy->headers = [...$this->headers, ...self::headerLists([$name => $value])];

        return $copy;
    }

    /**
     * Runs it later.
     *
     * @param float|\DateTimeInterface $until seconds from its push, or a point in time; one that has passed means at once
     *
     * @throws QueueException for seconds that are no time
     */
    public function delayed(float|\DateTimeInterface $until): self
    {
        $copy = clone $this;
        $copy->delay = \is_float($until) ? self::checked('delay', $until, $until >= 0.0) : $until;

        return $copy;
    }

    /** Lower ones are run first. */
    public function priority(int $priority): self
    {
        return $this->with('priority', $priority);
    }

    /**
     * Longest run, in seconds.
     *
     * @throws QueueException unless it is more than 0
     */
    public function timeout(float $seconds): self
    {
        return $this->with('timeout', (int) \ceil(self::checked('timeout', $seconds, $seconds > 0.0) * 1000));
    }

    /**
     * Runs that may fail before it goes to the dead letters.
     *
     * @throws QueueException unless it is at least 1
     */
    public function maxAttempts(int $attempts): self
    {
        return $attempts < 1 ? throw QueueException::invalid("The job {$this->name} must have at least one attempt, not {$attempts}.") : $this->with('max_attempts', $attempts);
    }

    /**
     * While a job with this key waits or runs in the pipeline, another one is not stored.
     *
     * @throws QueueException when the key is empty
     */
    public function unique(string $key): self
    {
        return $key === '' ? throw QueueException::invalid("The unique key of the job {$this->name} is empty.") : $this->with('unique', $key);
    }

    /**
     * Its id; the server makes one by default.
     *
     * @throws QueueException when it is empty
     */
    public function id(string $id): self
    {
        return $id === '' ? throw QueueException::invalid("The id of the job {$this->name} is empty.") : $this->with('id', $id);
    }

    /**
     * Pushes another job when this one, and all that follow it already, are done. Its delay counts from then.
     *
     * @param string|null $pipeline where; null for where the one before it goes
     *
     * @throws QueueException when the other one has a unique key: those that follow cannot have one
     */
    public function then(self $next, ?string $pipeline = null): self
    {
        if (isset($next->options['unique'])) {
            throw QueueException::invalid("The job {$next->name} follows the job {$this->name}, so it cannot be unique.");
        }
        $copy = clone $this;
        $copy->chain = [...$this->chain, [$next, $pipeline], ...$next->chain];

        return $copy;
    }

    /**
     * As the server takes it.
     *
     * @internal
     *
     * @return array<string, mixed>
     */
    public function toArray(): array
    {
        $chain = [];
        foreach ($this->chain as [$next, $pipeline]) {
            $chain[] = ($pipeline === null ? [] : ['pipeline' => $pipeline]) + $next->link();
        }

        return $this->link() + ($chain === [] ? [] : ['chain' => $chain]);
    }

    /**
     * @internal
     *
     * @param array<array-key, string|list<string>> $headers
     *
     * @return array<string, list<string>>
     *
     * @throws QueueException when a name is empty or a number
     */
    public static function headerLists(array $headers): array
    {
        $lists = [];
        foreach ($headers as $name => $value) {
            if (!\is_string($name) || $name === '') {
                throw QueueException::invalid("A header must have a name that is no number, not \"{$name}\".");
            }
            $lists[$name] = \is_string($value) ? [$value] : $value;
        }

        return $lists;
    }

    /** @return array<string, mixed> */
    private function link(): array
    {
        $delay = $this->delay instanceof \DateTimeInterface ? \max(0.0, (float) $this->delay->format('U.u') - \microtime(true)) : $this->delay;
        $job = ['job' => $this->name, 'payload' => $this->payload] + $this->options;
        if ($this->headers !== []) {
            $job['headers'] = $this->headers;
        }

        return $delay > 0.0 ? $job + ['delay' => (int) \ceil($delay * 1000)] : $job;
    }

    private function with(string $option, string|int $value): self
    {
        $copy = clone $this;
        /** @var array{id?: string, priority?: int, timeout?: int, max_attempts?: int, unique?: string} $options */
        $options = [$option => $value] + $this->options;
        $copy->options = $options;

        return $copy;
    }

    private function checked(string $what, float $seconds, bool $isRight): float
    {
        return $isRight && $seconds < self::LONGEST ? $seconds : throw QueueException::invalid("The {$what} of the job {$this->name} is {$seconds} seconds.");
    }
}
