<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Psr\Container\ContainerInterface;
use Psr\EventDispatcher\EventDispatcherInterface;
use Psr\Log\LoggerInterface;
use Rrts\Exception\ConnectionException;
use Rrts\Exception\TransportException;
use Rrts\Jobs\Job;
use Rrts\Jobs\JobWorker;
use Rrts\Jobs\UnrecoverableException;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Event\WorkerMessageFailedEvent;
use Symfony\Component\Messenger\Event\WorkerMessageHandledEvent;
use Symfony\Component\Messenger\Event\WorkerMessageReceivedEvent;
use Symfony\Component\Messenger\Exception\MessageDecodingFailedException;
use Symfony\Component\Messenger\MessageBusInterface;
use Symfony\Component\Messenger\Stamp\ConsumedByWorkerStamp;
use Symfony\Component\Messenger\Stamp\HandledStamp;
use Symfony\Component\Messenger\Stamp\ReceivedStamp;
use Symfony\Component\Messenger\Stamp\RedeliveryStamp;
use Symfony\Component\Messenger\Stamp\SentToFailureTransportStamp;
use Symfony\Component\Messenger\Stamp\TransportMessageIdStamp;
use Symfony\Contracts\Service\ResetInterface;
use Symfony\Contracts\Service\ServiceProviderInterface;

/**
 * Handles the jobs of `rrts://` transports: decodes each, dispatches it on the bus and says what became of it. It is a handler for
 * {@see JobWorker}; {@see \Rrts\Runtime\Runtime} runs it where the server starts a worker for jobs.
 */
final class MessengerWorker
{
    /** Header of a job: how often it was put back because of a RecoverableExceptionInterface. */
    private const RECOVERIES_HEADER = 'rrts-messenger-recoveries';
    /** Header of a job: names of the handlers that have done their part of the message. */
    private const HANDLED_HEADER = 'rrts-messenger-handled';
    /** Seconds between two recoveries, at most. */
    private const LONGEST_RECOVERY = 60;
    /** Seconds until a message is tried again whose failure a listener could not take. */
    private const LISTENER_DELAY = 30.0;

    /** @var array<string, Transport> by pipeline */
    private array $byPipeline = [];

    private readonly LoopEvents $loop;

    private readonly RateLimits $limits;

    /**
     * @param MessageBusInterface $bus where messages are dispatched: `messenger.routable_message_bus`
     * @param ContainerInterface $transports the transports by their names: `messenger.receiver_locator`
     * @param EventDispatcherInterface|null $events gets the events of Messenger's worker
     * @param ResetInterface|null $resetter of the services; called after each message
     * @param LoggerInterface|null $logger gets the exceptions of handlers
     * @param ContainerInterface|null $failureTransports those of `framework.messenger.failure_transport`, by the transport whose messages they take
     * @param (\Closure(): iterable<string, string>)|null $dsns the DSNs of all transports by name, to tell listeners which ones there are
     * @param ContainerInterface|null $rateLimiters factories of limiters, by the transport whose `rate_limiter` they are: `messenger.rate_limiter_locator`
     */
    public function __construct(
        private readonly MessageBusInterface $bus,
        private readonly ContainerInterface $transports,
        private readonly ?EventDispatcherInterface $events = null,
        private readonly ?ResetInterface $resetter = null,
        private readonly ?LoggerInterface $logger = null,
        private readonly ?ContainerInterface $failureTransports = null,
        private readonly ?\Closure $dsns = null,
        ?ContainerInterface $rateLimiters = null,
    ) {
        $this->limits = new RateLimits($rateLimiters, $events, $logger);
        $this->loop = new LoopEvents($bus, $events, $logger);
    }

    /**
     * Tells the listeners of WorkerStartedEvent. Without this call it is done at the first message.
     *
     * @throws \Throwable what a listener throws
     */
    public function start(): void
    {
        if (!$this->loop->isStarted()) {
            $this->loop->start($this->transportNames());
        }
    }

    /** Tells the listeners of WorkerStoppedEvent. */
    public function end(): void
    {
        $this->loop->end();
    }

    /**
     * Handles one job. What the handler throws is settled here, by the rules of Messenger.
     *
     * @throws UnrecoverableException when no transport belongs to the pipeline
     * @throws TransportException when the server has gone
     * @throws \Throwable what a listener throws before and after the handlers
     */
    public function __invoke(Job $job): void
    {
        $this->start();
        $transport = $this->transportOf($job);
        if ($this->loop->isStopped($transport->name)) {
            $job->handBack();

            return;
        }
        try {
            $this->limits->wait($transport->name);
            $this->handle($job, $transport);
        } finally {
            $this->loop->messageDone();
            $this->resetter?->reset();
        }
    }

    private function handle(Job $job, Transport $transport): void
    {
        try {
            $envelope = $transport->decode($job)->withoutAll(TransportMessageIdStamp::class)->with(new TransportMessageIdStamp($job->id));
        } catch (MessageDecodingFailedException $exception) {
            $this->logger?->critical("The job {$job->name} ({$job->id}) of {$job->pipeline} is no message: {error}", ['error' => $exception->getMessage(), 'exception' => $exception]);
            $job->fail($exception, false);

            return;
        }
        $retries = $job->attempt - 1 + self::recoveriesOf($job);
        if ($retries > 0 && !$transport->hasSymfonyRetries()) {
            $envelope = $envelope->with(new RedeliveryStamp($retries), ...\array_map(static fn(string $name): HandledStamp => new HandledStamp(null, $name), $job->headers[self::HANDLED_HEADER] ?? []));
        }
        $received = new WorkerMessageReceivedEvent($envelope, $transport->name);
        $this->events?->dispatch($received);
        if (!$received->shouldHandle()) {
            return;
        }
        $delivery = Delivery::of($this->bus, $received->getEnvelope(), new ReceivedStamp($transport->name), new ConsumedByWorkerStamp());
        $failure = $delivery->failure;
        if ($failure instanceof TransportException && !$failure instanceof ConnectionException) {
            throw $failure;
        }
        if ($failure === null) {
            $this->events?->dispatch(new WorkerMessageHandledEvent($delivery->envelope, $transport->name));
        } else {
            $this->failed($job, $transport, $delivery->envelope, $failure);
        }
    }

    private function failed(Job $job, Transport $transport, Envelope $envelope, \Throwable $exception): void
    {
        $verdict = Verdict::of($exception);
        if ($transport->hasSymfonyRetries()) {
            $event = new WorkerMessageFailedEvent($envelope, $transport->name, $exception);
            $this->events?->dispatch($event);
            if (!$event->willRetry() && !$this->isTakenBySymfony($transport, $envelope)) {
                $job->fail($verdict->cause, false);
            }

            return;
        }
        $isLast = !$verdict->isRecoverable && ($verdict->isUnrecoverable || $job->attempt >= $job->maxAttempts);
        $this->log($job, $verdict->cause, $isLast);
        $event = new WorkerMessageFailedEvent($envelope->with(new RetriedByServerStamp()), $transport->name, $exception);
        if (!$isLast) {
            $event->setForRetry();
        }
        $isTold = $this->tellListeners($event);
        match (true) {
            $isLast && !$isTold => $job->requeue(self::LISTENER_DELAY, [], 'a listener of WorkerMessageFailedEvent has failed'),
            $isLast && $this->isTakenBySymfony($transport, $envelope) => null,
            $verdict->isRecoverable => $this->putBack($job, $verdict, self::handledIn($envelope)),
            default => $job->fail($verdict->cause, !$verdict->isUnrecoverable, null, self::handledIn($envelope)),
        };
    }

    /** Whether they took it. A failure transport that does not answer must not cost the message. */
    private function tellListeners(WorkerMessageFailedEvent $event): bool
    {
        try {
            $this->events?->dispatch($event);

            return true;
        } catch (\Throwable $exception) {
            $this->logger?->critical('A listener of WorkerMessageFailedEvent has failed: {error}', ['error' => $exception->getMessage(), 'exception' => $exception]);

            return false;
        }
    }

    /** Whether it lies in a failure transport now: it must not lie in the dead letters as well, or it would be tried again twice. */
    private function isTakenBySymfony(Transport $transport, Envelope $envelope): bool
    {
        return $this->failureTransports?->has($transport->name) === true && $envelope->last(SentToFailureTransportStamp::class) === null;
    }

    /**
     * Each time later than before, since nothing else ends it.
     *
     * @param array<string, list<string>> $headers
     */
    private function putBack(Job $job, Verdict $verdict, array $headers): void
    {
        $recoveries = self::recoveriesOf($job);
        $delay = $verdict->delay ?? (float) \min(2 ** \min($recoveries, 10), self::LONGEST_RECOVERY);
        $job->requeue($delay, [self::RECOVERIES_HEADER => (string) ($recoveries + 1)] + $headers, $verdict->cause->getMessage());
    }

    private function log(Job $job, \Throwable $cause, bool $isLast): void
    {
        $text = 'Error thrown while handling message {class}, attempt {attempt} of {attempts}. ' . ($isLast ? 'It is not tried again.' : 'It is tried again.') . ' Error: "{error}"';
        $context = ['class' => $job->name, 'attempt' => $job->attempt, 'attempts' => $job->maxAttempts, 'error' => $cause->getMessage(), 'exception' => $cause];
        if ($isLast) {
            $this->logger?->critical($text, $context);
        } else {
            $this->logger?->warning($text, $context);
        }
    }

    /** The transport that has sent it; for what others have pushed, the one of the pipeline. */
    private function transportOf(Job $job): Transport
    {
        $transport = $this->transport($job->header(Transport::NAME_HEADER) ?? $job->pipeline) ?? $this->byPipeline[$job->pipeline] ?? null;
        if ($transport !== null) {
            return $transport;
        }
        foreach ($this->transports instanceof ServiceProviderInterface ? \array_keys($this->transports->getProvidedServices()) : [] as $name) {
            $found = $this->transport($name);
            if ($found?->pipeline === $job->pipeline) {
                return $this->byPipeline[$job->pipeline] = $found;
            }
        }

        throw new UnrecoverableException("The job {$job->name} of the pipeline {$job->pipeline} belongs to no transport: messenger.yaml has none with the DSN rrts://{$job->pipeline}.");
    }

    /** @return list<string> those whose DSN says so; a DSN may be in a variable that is not there */
    private function transportNames(): array
    {
        $names = [];
        try {
            foreach ($this->dsns === null ? [] : ($this->dsns)() as $name => $dsn) {
                $names = \str_starts_with($dsn, Options::SCHEME) ? [...$names, $name] : $names;
            }
        } catch (\Throwable $exception) {
            $this->logger?->debug('The DSNs of transports cannot be read: {error}', ['error' => $exception->getMessage(), 'exception' => $exception]);
        }

        return $names;
    }

    private function transport(string $name): ?Transport
    {
        $transport = $this->transports->has($name) ? $this->transports->get($name) : null;

        return $transport instanceof Transport ? $transport : null;
    }

    /**
     * The message stays as it was sent, so that its handlers which have succeeded are told in a header; they are not called again.
     *
     * @return array<string, list<string>>
     */
    private static function handledIn(Envelope $envelope): array
    {
        $names = [];
        foreach ($envelope->all(HandledStamp::class) as $stamp) {
            if ($stamp instanceof HandledStamp) {
                $names[] = $stamp->getHandlerName();
            }
        }

        return $names === [] ? [] : [self::HANDLED_HEADER => \array_values(\array_unique($names))];
    }

    private static function recoveriesOf(Job $job): int
    {
        return (int) $job->header(self::RECOVERIES_HEADER);
    }
}
