<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Messenger;

use PHPUnit\Framework\TestCase;
use Rrts\Messenger\LoopEvents;
use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\Messenger\Event\WorkerRunningEvent;
use Symfony\Component\Messenger\Event\WorkerStartedEvent;
use Symfony\Component\Messenger\Event\WorkerStoppedEvent;
use Symfony\Component\Messenger\MessageBus;

final class LoopEventsTest extends TestCase
{
    private EventDispatcher $dispatcher;

    /** @var list<object> */
    private array $events = [];

    private LoopEvents $loop;

    /** Nanoseconds. */
    private int $now = 0;

    protected function setUp(): void
    {
        $this->dispatcher = new EventDispatcher();
        foreach ([WorkerStartedEvent::class, WorkerRunningEvent::class, WorkerStoppedEvent::class] as $name) {
            $this->dispatcher->addListener($name, function (object $event): void {
                $this->events[] = $event;
            }, 1000);
        }
        $this->loop = new LoopEvents(new MessageBus(), $this->dispatcher, null, fn(): int => $this->now);
    }

    public function testListenersHearWhatMessengersLoopTellsThem(): void
    {
        self::assertFalse($this->loop->isStarted());
        $this->loop->start(['emails']);
        self::assertTrue($this->loop->isStarted());
        self::assertFalse($this->loop->isStopped('reports'));
        $this->loop->messageDone();
        $this->loop->end();
        self::assertSame([WorkerStartedEvent::class, WorkerRunningEvent::class, WorkerStoppedEvent::class], \array_map(\get_class(...), $this->events));
        [$started, $running] = $this->events;
        self::assertInstanceOf(WorkerStartedEvent::class, $started);
        self::assertInstanceOf(WorkerRunningEvent::class, $running);
        self::assertFalse($running->isWorkerIdle());
        self::assertSame($started->getWorker(), $running->getWorker());
        self::assertSame(['emails', 'reports'], $started->getWorker()->getMetadata()->getTransportNames());
    }

    public function testAWorkerThatNeverBeganDoesNotEnd(): void
    {
        $this->loop->end();
        self::assertSame([], $this->events);
    }

    public function testAListenerStopsTheWorker(): void
    {
        $this->dispatcher->addListener(WorkerRunningEvent::class, static fn(WorkerRunningEvent $event) => $event->getWorker()->stop());
        $this->loop->start([]);
        self::assertFalse($this->loop->isStopped('emails'));
        $this->loop->messageDone();
        self::assertTrue($this->loop->isStopped('emails'));
    }

    public function testAWorkerThatIsStoppedAtItsStartHasOneMessage(): void
    {
        $this->dispatcher->addListener(WorkerStartedEvent::class, static fn(WorkerStartedEvent $event) => $event->getWorker()->stop());
        $this->loop->start([]);
        self::assertFalse($this->loop->isStopped('emails'));
    }

    public function testAListenerThatFailsEndsTheWorker(): void
    {
        $this->dispatcher->addListener(WorkerRunningEvent::class, static fn() => throw new \RuntimeException('broken'));
        $this->loop->start([]);
        $this->loop->messageDone();
        self::assertTrue($this->loop->isStopped('emails'));
    }

    public function testALongWaitIsTold(): void
    {
        $this->dispatcher->addListener(WorkerRunningEvent::class, static function (WorkerRunningEvent $event): void {
            if ($event->isWorkerIdle()) {
                $event->getWorker()->stop();
            }
        });
        $this->loop->start([]);
        $this->loop->messageDone();
        self::assertFalse($this->loop->isStopped('emails'));
        $this->now += 1_000_000_001;
        self::assertTrue($this->loop->isStopped('emails'));
    }

    /** The worker must die of the server's SIGTERM, where Messenger's loop would look after it. */
    public function testListenersDoNotKeepTheSignals(): void
    {
        self::assertTrue(\function_exists('pcntl_signal_get_handler'));
        $before = \pcntl_signal_get_handler(\SIGTERM);
        $this->dispatcher->addListener(WorkerStartedEvent::class, static fn() => \pcntl_signal(\SIGTERM, static fn(): int => 1));
        $this->loop->start([]);
        self::assertSame($before, \pcntl_signal_get_handler(\SIGTERM));
    }

    public function testWithoutListenersNothingIsTold(): void
    {
        $loop = new LoopEvents(new MessageBus(), null, null);
        $loop->start(['emails']);
        self::assertFalse($loop->isStopped('emails'));
        $loop->messageDone();
        $loop->end();
    }
}
