<?php

declare(strict_types=1);

namespace Rrts\Jobs;

use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;
use Rrts\Rpc\Rpc;
use Rrts\Rpc\RpcInterface;

/** A pipeline of the server's `jobs:` section, to push jobs into. */
final class Queue
{
    private function __construct(public readonly string $pipeline, private readonly RpcInterface $rpc) {}

    /**
     * @param string $pipeline its name in the configuration; nothing is asked before the first push
     * @param RpcInterface|null $rpc the way to the server; null for that of this process
     */
    public static function to(string $pipeline, ?RpcInterface $rpc = null): self
    {
        return new self($pipeline, $rpc ?? Rpc::fromEnvironment());
    }

    /**
     * Pushes one job. It is stored when this returns, as safely as the driver of the pipeline promises.
     *
     * @param string $name what is to be done: the name of a class, as a rule
     * @param string|array<array-key, mixed>|\JsonSerializable|\stdClass $payload a string travels as it is, all else as JSON
     * @param float|\DateTimeInterface $delay seconds, or a point in time, until it may be run
     * @param int|null $priority lower ones first
     * @param float|null $timeout longest run, in seconds
     * @param int|null $maxAttempts runs that may fail
     * @param string|null $unique while a job with this key is in the pipeline, this one is not stored
     * @param array<string, string|list<string>> $headers
     *
     * @return string|null the id; null when it is a duplicate
     *
     * @throws UnknownPipelineException when the server has no such pipeline
     * @throws QueueFullException when the pipeline is full
     * @throws QueueException for everything else that kept it from being stored; `errorCode` tells what
     * @throws TransportException when the server cannot be reached
     */
    public function push(
        string $name,
        string|array|\JsonSerializable|\stdClass $payload = '',
        float|\DateTimeInterface $delay = 0.0,
        ?int $priority = null,
        ?float $timeout = null,
        ?int $maxAttempts = null,
        ?string $unique = null,
        array $headers = [],
    ): ?string {
        $job = (\is_string($payload) ? NewJob::of($name, $payload) : NewJob::json($name, $payload))->delayed($delay);
        $job = $priority === null ? $job : $job->priority($priority);
        $job = $timeout === null ? $job : $job->timeout($timeout);
        $job = $maxAttempts === null ? $job : $job->maxAttempts($maxAttempts);
        $job = $unique === null ? $job : $job->unique($unique);
        foreach ($headers as $header => $value) {
            $job = $job->withHeader((string) $header, $value);
        }

        return $this->send($job)[0] ?? null;
    }

    /**
     * Pushes jobs, all in one call.
     *
     * @return list<string|null> their ids in order; null for a duplicate
     *
     * @throws UnknownPipelineException when the server has no such pipeline
     * @throws QueueFullException when the pipeline is full
     * @throws QueueException for everything else that kept them from being stored; `errorCode` tells what
     * @throws TransportException when the server cannot be reached
     */
    public function send(NewJob ...$jobs): array
    {
        if ($jobs === []) {
            return [];
        }
        try {
            $reply = $this->rpc->call('jobs.Send', ['pipeline' => $this->pipeline, 'jobs' => \array_map(static fn(NewJob $job): array => $job->toArray(), \array_values($jobs))]);
        } catch (RpcException $failure) {
            throw $this->failed($failure);
        }
        $ids = \is_array($reply) ? $reply['ids'] ?? null : null;
        if (!\is_array($ids) || \count($ids) !== \count($jobs)) {
            throw new QueueException("The server's answer to a push into the pipeline {$this->pipeline} has no ids.", 'ERR_JOBS_INVALID');
        }

        return \array_map(static fn(mixed $id): ?string => \is_string($id) ? $id : null, \array_values($ids));
    }

    private function failed(RpcException $failure): QueueException
    {
        $class = match ($failure->errorCode) {
            'ERR_JOBS_PIPELINE' => UnknownPipelineException::class,
            'ERR_JOBS_FULL' => QueueFullException::class,
            default => QueueException::class,
        };

        return new $class($failure->getMessage(), $failure->errorCode, $failure);
    }
}
