<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Psr\EventDispatcher\EventDispatcherInterface;
use Psr\Log\LoggerInterface;
use Symfony\Component\Messenger\Event\WorkerRunningEvent;
use Symfony\Component\Messenger\Event\WorkerStartedEvent;
use Symfony\Component\Messenger\Event\WorkerStoppedEvent;
use Symfony\Component\Messenger\MessageBusInterface;
use Symfony\Component\Messenger\Worker;

/**
 * Tells listeners what the loop of messenger:consume tells them, and hears when one of them stops the worker: after messenger:stop-workers, say.
 *
 * @internal
 */
final class LoopEvents
{
    /** A wait of this length is told as one: Messenger's loop sleeps as long. */
    private const IDLE_NANOSECONDS = 1_000_000_000;

    private readonly ?Worker $worker;

    /** @var array<string, true> names of transports that listeners know */
    private array $transports = [];

    private bool $isStarted = false;

    private bool $isStopped = false;

    private int $lastAt = 0;

    /** @var \Closure(): int */
    private readonly \Closure $clock;

    /** @param (\Closure(): int)|null $clock nanoseconds; null for the clock of this machine */
    public function __construct(
        MessageBusInterface $bus,
        private readonly ?EventDispatcherInterface $events,
        private readonly ?LoggerInterface $logger,
        ?\Closure $clock = null,
    ) {
        $this->clock = $clock ?? static fn(): int => \hrtime(true);
        $this->worker = $events === null ? null : $this->workerOf($bus);
    }

    public function isStarted(): bool
    {
        return $this->isStarted;
    }

    /**
     * Once, before the first message.
     *
     * @param list<string> $transports names, as far as they are known
     *
     * @throws \Throwable what a listener throws
     */
    public function start(array $transports): void
    {
        $this->isStarted = true;
        $this->lastAt = ($this->clock)();
        if ($this->worker === null) {
            return;
        }
        $this->know($this->worker, ...$transports);
        $handlers = self::signalHandlers();
        $this->events?->dispatch(new WorkerStartedEvent($this->worker));
        // Messenger before 6.4 catches SIGTERM here, to stop its loop: here nobody would look, and the server's SIGTERM would do nothing.
        self::restore($handlers);
        // Else each worker would end as soon as it has begun.
        $this->isStopped = false;
    }

    /** Before a message: whether this worker is to have none any more. */
    public function isStopped(string $transport): bool
    {
        if ($this->worker !== null && !$this->isStopped) {
            if (!isset($this->transports[$transport])) {
                $this->know($this->worker, $transport);
            }
            if (($this->clock)() - $this->lastAt > self::IDLE_NANOSECONDS) {
                $this->tell(new WorkerRunningEvent($this->worker, true));
            }
        }

        return $this->isStopped;
    }

    /** After a message. */
    public function messageDone(): void
    {
        if ($this->worker !== null) {
            $this->tell(new WorkerRunningEvent($this->worker, false));
            $this->lastAt = ($this->clock)();
        }
    }

    /** When the worker ends. */
    public function end(): void
    {
        if ($this->worker !== null && $this->isStarted) {
            $this->tell(new WorkerStoppedEvent($this->worker));
        }
    }

    /** In messenger:consume an exception of such a listener ends the worker; the message that came before is done. */
    private function tell(object $event): void
    {
        try {
            $this->events?->dispatch($event);
        } catch (\Throwable $exception) {
            $this->isStopped = true;
            $this->logger?->critical('A listener of {event} has failed, and this worker ends: {error}', ['event' => $event::class, 'error' => $exception->getMessage(), 'exception' => $exception]);
        }
    }

    private function know(Worker $worker, string ...$transports): void
    {
        $this->transports += \array_fill_keys($transports, true);
        $worker->getMetadata()->set(['transportNames' => \array_keys($this->transports)]);
    }

    private function workerOf(MessageBusInterface $bus): Worker
    {
        $onStop = function (): void {
            $this->isStopped = true;
        };

        // @phpstan-ignore class.extendsFinalByPhpDoc (there is no other way to hear of stop())
        return new class ($bus, $onStop) extends Worker {
            /** @param \Closure(): void $onStop */
            public function __construct(MessageBusInterface $bus, private readonly \Closure $onStop)
            {
                parent::__construct([], $bus);
            }

            public function stop(): void
            {
                ($this->onStop)();
                parent::stop();
            }
        };
    }

    /** @return array<int, callable|int> */
    private static function signalHandlers(): array
    {
        $handlers = [];
        foreach (\function_exists('pcntl_signal_get_handler') ? [\SIGTERM, \SIGINT, \SIGQUIT] : [] as $signal) {
            $handlers[$signal] = \pcntl_signal_get_handler($signal);
        }

        return $handlers;
    }

    /** @param array<int, callable|int> $handlers */
    private static function restore(array $handlers): void
    {
        foreach ($handlers as $signal => $handler) {
            if (\pcntl_signal_get_handler($signal) !== $handler) {
                \pcntl_signal($signal, $handler);
            }
        }
    }
}
