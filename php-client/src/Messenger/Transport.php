<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException as ServerGone;
use Rrts\Jobs\Job;
use Rrts\Jobs\NewJob;
use Rrts\Jobs\Queue;
use Rrts\Jobs\QueueException;
use Rrts\Rpc\Rpc;
use Rrts\Rpc\RpcInterface;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Exception\MessageDecodingFailedException;
use Symfony\Component\Messenger\Exception\TransportException;
use Symfony\Component\Messenger\Stamp\DelayStamp;
use Symfony\Component\Messenger\Stamp\TransportMessageIdStamp;
use Symfony\Component\Messenger\Transport\Receiver\MessageCountAwareInterface;
use Symfony\Component\Messenger\Transport\Serialization\SerializerInterface;
use Symfony\Component\Messenger\Transport\TransportInterface;

/** Sends messages into a pipeline of the server. They are handled by {@see MessengerWorker}, which the server starts: `messenger:consume` cannot take them. */
final class Transport implements TransportInterface, MessageCountAwareInterface
{
    /** Header of a job: name of the transport that has sent it. */
    public const NAME_HEADER = 'rrts-messenger-transport';

    public readonly string $pipeline;

    private readonly RpcInterface $rpc;

    /**
     * @internal {@see TransportFactory} makes it
     *
     * @param string $name in messenger.yaml
     */
    public function __construct(
        public readonly string $name,
        private readonly Options $options,
        private readonly SerializerInterface $serializer,
        ?RpcInterface $rpc = null,
    ) {
        $this->pipeline = $options->pipeline;
        $this->rpc = $rpc ?? Rpc::fromEnvironment();
    }

    /**
     * Pushes the message. It is stored when this returns, as safely as the driver of the pipeline promises.
     *
     * @return Envelope with a TransportMessageIdStamp; without one when {@see UniqueStamp} says that it is there already
     *
     * @throws TransportException when it could not be stored
     */
    public function send(Envelope $envelope): Envelope
    {
        try {
            [$id] = Queue::to($this->pipeline, $this->rpc)->send($this->jobOf($envelope));
        } catch (QueueException|ServerGone $failure) {
            throw new TransportException("The message was not sent to the pipeline {$this->pipeline}: {$failure->getMessage()}", 0, $failure);
        }

        return $id === null ? $envelope : $envelope->with(new TransportMessageIdStamp($id));
    }

    /**
     * The message of a job.
     *
     * @throws MessageDecodingFailedException when it is none, or its class is not there
     */
    public function decode(Job $job): Envelope
    {
        $headers = \array_map(static fn(array $values): string => $values[0] ?? '', $job->headers);

        return $this->serializer->decode(['body' => $job->payload, 'headers' => $headers]);
    }

    /** Whether a failed message is sent again by Messenger itself, as its retry strategy says. */
    public function hasSymfonyRetries(): bool
    {
        return $this->options->symfonyRetries;
    }

    /**
     * Jobs that wait in the pipeline, delayed ones included.
     *
     * @throws TransportException when the server does not say
     */
    public function getMessageCount(): int
    {
        try {
            $reply = $this->rpc->call('jobs.Overview');
        } catch (RpcException|ServerGone $failure) {
            throw new TransportException("The pipeline {$this->pipeline} cannot be asked: {$failure->getMessage()}", 0, $failure);
        }
        $pipelines = \is_array($reply) ? $reply['pipelines'] ?? [] : [];
        foreach (\is_array($pipelines) ? $pipelines : [] as $pipeline) {
            if (\is_array($pipeline) && ($pipeline['pipeline'] ?? null) === $this->pipeline) {
                return self::count($pipeline['waiting'] ?? 0) + self::count($pipeline['delayed'] ?? 0);
            }
        }

        throw new TransportException("The server has no pipeline {$this->pipeline}.");
    }

    /**
     * @return never
     *
     * @throws TransportException always
     */
    public function get(): iterable
    {
        throw $this->notConsumable();
    }

    /** @throws TransportException always */
    public function ack(Envelope $envelope): void
    {
        throw $this->notConsumable();
    }

    /** @throws TransportException always */
    public function reject(Envelope $envelope): void
    {
        throw $this->notConsumable();
    }

    private function notConsumable(): TransportException
    {
        return new TransportException(
            "rrts hands the messages of the transport {$this->name} to its own workers, so messenger:consume cannot take them: put {$this->pipeline} into jobs.consume of the server's "
            . 'configuration, and let server.command run public/index.php with APP_RUNTIME=Rrts\Runtime\Runtime.',
        );
    }

    private function jobOf(Envelope $envelope): NewJob
    {
        $encoded = $this->serializer->encode($envelope);
        $body = $encoded['body'] ?? '';
        $job = NewJob::of($envelope->getMessage()::class, \is_string($body) ? $body : '')->withHeader(self::NAME_HEADER, $this->name);
        $headers = $encoded['headers'] ?? [];
        foreach (\is_array($headers) ? $headers : [] as $name => $value) {
            if (\is_scalar($value)) {
                $job = $job->withHeader((string) $name, (string) $value);
            }
        }
        $unique = $envelope->last(UniqueStamp::class);
        $delay = $envelope->last(DelayStamp::class);
        $own = $envelope->last(JobOptionsStamp::class);
        $job = $unique instanceof UniqueStamp ? $job->unique($unique->key) : $job;
        $job = $delay instanceof DelayStamp ? $job->delayed(\max(0.0, $delay->getDelay() / 1000)) : $job;

        return $this->withOptions($job, $own instanceof JobOptionsStamp ? $own : new JobOptionsStamp());
    }

    private function withOptions(NewJob $job, JobOptionsStamp $own): NewJob
    {
        $default = $this->options->job;
        $priority = $own->priority ?? $default->priority;
        $timeout = $own->timeout ?? $default->timeout;
        $maxAttempts = $own->maxAttempts ?? $default->maxAttempts;
        $job = $priority === null ? $job : $job->priority($priority);
        $job = $timeout === null ? $job : $job->timeout($timeout);

        return $maxAttempts === null ? $job : $job->maxAttempts($maxAttempts);
    }

    private static function count(mixed $value): int
    {
        return \is_int($value) ? $value : 0;
    }
}
