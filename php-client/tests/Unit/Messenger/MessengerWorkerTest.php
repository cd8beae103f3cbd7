<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Messenger;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\TransportException;
use Rrts\Jobs\Job;
use Rrts\Jobs\UnrecoverableException;
use Rrts\Messenger\MessengerWorker;
use Rrts\Messenger\RetriedByServerStamp;
use Rrts\Messenger\RetryListener;
use Rrts\Messenger\TransportFactory;
use Rrts\Tests\Stub\Message;
use Rrts\Tests\Stub\ScriptedRpc;
use Symfony\Component\DependencyInjection\ServiceLocator;
use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Event\AbstractWorkerMessageEvent;
use Symfony\Component\Messenger\Event\WorkerMessageFailedEvent;
use Symfony\Component\Messenger\Event\WorkerMessageHandledEvent;
use Symfony\Component\Messenger\Event\WorkerMessageReceivedEvent;
use Symfony\Component\Messenger\Event\WorkerRunningEvent;
use Symfony\Component\Messenger\Event\WorkerStartedEvent;
use Symfony\Component\Messenger\EventListener\SendFailedMessageToFailureTransportListener;
use Symfony\Component\Messenger\Exception\HandlerFailedException;
use Symfony\Component\Messenger\Exception\NoHandlerForMessageException;
use Symfony\Component\Messenger\Exception\RecoverableMessageHandlingException;
use Symfony\Component\Messenger\Exception\UnrecoverableMessageHandlingException;
use Symfony\Component\Messenger\Handler\HandlerDescriptor;
use Symfony\Component\Messenger\Handler\HandlersLocator;
use Symfony\Component\Messenger\MessageBus;
use Symfony\Component\Messenger\MessageBusInterface;
use Symfony\Component\Messenger\Middleware\HandleMessageMiddleware;
use Symfony\Component\Messenger\Retry\MultiplierRetryStrategy;
use Symfony\Component\Messenger\Stamp\ConsumedByWorkerStamp;
use Symfony\Component\Messenger\Stamp\HandledStamp;
use Symfony\Component\Messenger\Stamp\ReceivedStamp;
use Symfony\Component\Messenger\Stamp\RedeliveryStamp;
use Symfony\Component\Messenger\Stamp\SentToFailureTransportStamp;
use Symfony\Component\Messenger\Stamp\StampInterface;
use Symfony\Component\Messenger\Stamp\TransportMessageIdStamp;
use Symfony\Component\Messenger\Transport\InMemoryTransport;
use Symfony\Component\Messenger\Transport\Serialization\PhpSerializer;
use Symfony\Contracts\Service\ResetInterface;

final class MessengerWorkerTest extends TestCase implements MessageBusInterface, ResetInterface
{
    /** @var list<Envelope> that were dispatched */
    private array $dispatched = [];

    /** @var list<AbstractWorkerMessageEvent> */
    private array $events = [];

    private ?\Throwable $thrown = null;

    private int $resets = 0;

    private EventDispatcher $dispatcher;

    private ScriptedRpc $rpc;

    protected function setUp(): void
    {
        $this->rpc = new ScriptedRpc(static fn() => ['ids' => ['new']]);
        $this->dispatcher = new EventDispatcher();
        foreach ([WorkerMessageReceivedEvent::class, WorkerMessageHandledEvent::class, WorkerMessageFailedEvent::class] as $name) {
            $this->dispatcher->addListener($name, function (AbstractWorkerMessageEvent $event): void {
                $this->events[] = $event;
            }, -1000);
        }
    }

    /**
     * The bus.
     *
     * @param object $message
     * @param array<array-key, StampInterface> $stamps
     */
    public function dispatch($message, array $stamps = []): Envelope
    {
        self::assertInstanceOf(Envelope::class, $message);
        $this->dispatched[] = $message;

        return $this->thrown === null ? $message : throw $this->thrown;
    }

    public function reset(): void
    {
        $this->resets++;
    }

    public function testAMessageIsDispatchedWithItsStamps(): void
    {
        $job = $this->handle(self::job());
        self::assertFalse($job->isSettled());
        [$envelope] = $this->dispatched;
        self::assertEquals(new Message('x'), $envelope->getMessage());
        self::assertEquals(
            [new ReceivedStamp('async'), new ConsumedByWorkerStamp(), new TransportMessageIdStamp('id-1'), null],
            \array_map($envelope->last(...), [ReceivedStamp::class, ConsumedByWorkerStamp::class, TransportMessageIdStamp::class, RedeliveryStamp::class]),
        );
        self::assertSame([WorkerMessageReceivedEvent::class, WorkerMessageHandledEvent::class], $this->eventClasses());
        self::assertSame(1, $this->resets);
    }

    public function testAnAttemptIsARedelivery(): void
    {
        $this->handle(self::job(attempt: 3, headers: ['rrts-messenger-recoveries' => ['2']]));
        $stamp = $this->dispatched[0]->last(RedeliveryStamp::class);
        self::assertInstanceOf(RedeliveryStamp::class, $stamp);
        self::assertSame(4, $stamp->getRetryCount());
    }

    public function testAFailureIsForTheServerToRetry(): void
    {
        $this->listenAsSymfony();
        $this->thrown = self::failed(new \DomainException('broken'));
        $job = $this->handle(self::job(attempt: 2));
        $settlement = $job->settlement();
        self::assertSame(['failed', \DomainException::class], [$settlement['result'], $settlement['class']]);
        self::assertArrayNotHasKey('retry', $settlement);
        self::assertTrue($this->failedEvent()->willRetry());
        self::assertSame($this->thrown, $this->failedEvent()->getThrowable());
        self::assertSame([], $this->rpc->calls, 'Symfony does not send it again');
        self::assertSame(1, $this->resets);
    }

    public function testHandlersThatHaveSucceededAreNotCalledAgain(): void
    {
        $envelope = new Envelope(new Message('x'), [new HandledStamp('result', 'First::handle'), new HandledStamp(null, 'Second::handle'), new HandledStamp(null, 'First::handle')]);
        $this->thrown = new HandlerFailedException($envelope, [new \DomainException('broken')]);
        $headers = ['rrts-messenger-handled' => ['First::handle', 'Second::handle']];
        self::assertSame($headers, $this->handle(self::job())->settlement()['headers']);
        $this->thrown = new HandlerFailedException($envelope, [new RecoverableMessageHandlingException('later')]);
        self::assertEquals(['rrts-messenger-recoveries' => ['1']] + $headers, $this->handle(self::job())->settlement()['headers']);

        $this->thrown = null;
        $this->handle(self::job(attempt: 2, headers: $headers));
        self::assertEquals([new HandledStamp(null, 'First::handle'), new HandledStamp(null, 'Second::handle')], $this->dispatched[2]->all(HandledStamp::class));
    }

    public function testARealBusCallsOnlyTheHandlerThatHasFailed(): void
    {
        $calls = [];
        $handlers = [
            new HandlerDescriptor(static function () use (&$calls): void {
                $calls[] = 'good';
            }, ['alias' => 'good']),
            new HandlerDescriptor(static function () use (&$calls): void {
                $calls[] = 'bad';
                throw new \DomainException('broken');
            }, ['alias' => 'bad']),
        ];
        $worker = new MessengerWorker(new MessageBus([new HandleMessageMiddleware(new HandlersLocator([Message::class => $handlers]))]), $this->transports());
        $first = self::job();
        $worker($first);
        /** @var array<string, list<string>> $headers */
        $headers = $first->settlement()['headers'];
        $worker(self::job(attempt: 2, headers: $headers));
        self::assertSame(['good', 'bad', 'bad'], $calls);
    }

    public function testTheLastAttemptIsTheEnd(): void
    {
        $this->listenAsSymfony();
        $this->thrown = self::failed(new \DomainException('broken'));
        $job = $this->handle(self::job(attempt: 3));
        self::assertSame('failed', $job->settlement()['result']);
        self::assertFalse($this->failedEvent()->willRetry(), 'the failure transport of Symfony takes it');
        self::assertNotNull($this->failedEvent()->getEnvelope()->last(RetriedByServerStamp::class));
        self::assertSame([], $this->rpc->calls);
    }

    /** @return iterable<string, array{\Throwable, class-string}> */
    public static function unrecoverable(): iterable
    {
        $never = new UnrecoverableMessageHandlingException('never');
        yield 'a handler says never' => [self::failed($never), $never::class];
        yield 'ours' => [self::failed(new UnrecoverableException('never')), UnrecoverableException::class];
        yield 'all handlers say never' => [self::failed($never, new UnrecoverableException('never')), $never::class];
        yield 'a middleware says never' => [$never, $never::class];
        yield 'no handler' => [new NoHandlerForMessageException('none'), NoHandlerForMessageException::class];
    }

    #[DataProvider('unrecoverable')]
    public function testWhatWillNeverWorkIsNotTriedAgain(\Throwable $thrown, string $class): void
    {
        $this->thrown = $thrown;
        $settlement = $this->handle(self::job())->settlement();
        self::assertSame(['failed', $class, false], [$settlement['result'], $settlement['class'], $settlement['retry']]);
        self::assertFalse($this->failedEvent()->willRetry());
    }

    public function testOneHandlerThatMayWorkIsEnough(): void
    {
        $this->thrown = self::failed(new UnrecoverableMessageHandlingException('never'), new \DomainException('broken'));
        self::assertArrayNotHasKey('retry', $this->handle(self::job())->settlement());
    }

    public function testWhatIsRecoverableIsPutBackWithoutALimit(): void
    {
        $this->thrown = self::failed(new UnrecoverableMessageHandlingException('never'), new RecoverableMessageHandlingException('later'));
        $job = $this->handle(self::job(attempt: 3));
        self::assertEquals(
            ['result' => 'requeue', 'delay' => 1000, 'message' => 'later', 'headers' => ['rrts-messenger-recoveries' => ['1']]],
            $job->settlement(),
        );
        self::assertTrue($this->failedEvent()->willRetry());
        $later = $this->handle(self::job(headers: ['rrts-messenger-recoveries' => ['3']]));
        self::assertSame([8000, ['rrts-messenger-recoveries' => ['4']]], [$later->settlement()['delay'], $later->settlement()['headers']]);
        $late = $this->handle(self::job(headers: ['rrts-messenger-recoveries' => ['1000']]));
        self::assertSame(60_000, $late->settlement()['delay']);
    }

    public function testTheFailureTransportOfSymfonyGetsWhatIsNotTriedAgain(): void
    {
        $this->listenAsSymfony();
        $failures = new InMemoryTransport();
        $this->dispatcher->addSubscriber(new SendFailedMessageToFailureTransportListener(new ServiceLocator(['async' => static fn() => $failures])));
        $this->thrown = self::failed(new \DomainException('broken'));
        $this->handle(self::job(attempt: 2));
        $before = \count($failures->getSent());
        $this->handle(self::job(attempt: 3));
        $sent = $failures->getSent();
        self::assertSame([0, 1], [$before, \count($sent)]);
        self::assertInstanceOf(Envelope::class, $sent[0]);
        self::assertEquals(new SentToFailureTransportStamp('async'), $sent[0]->last(SentToFailureTransportStamp::class));
    }

    public function testWhatIsInTheFailureTransportIsNoDeadLetter(): void
    {
        $worker = fn(string ...$failing): MessengerWorker => new MessengerWorker($this, $this->transports(), null, null, null, new ServiceLocator(\array_fill_keys($failing, static fn() => new InMemoryTransport())));
        $this->thrown = self::failed(new \DomainException('broken'));
        $worker('async')($job = self::job(attempt: 3));
        self::assertFalse($job->isSettled());
        $worker('async')($job = self::job(attempt: 2));
        self::assertTrue($job->isSettled(), 'it is tried again');
        $worker('symfony')($job = self::job(header: 'symfony'));
        self::assertFalse($job->isSettled());

        // In the failure transport itself nobody keeps it any more.
        $this->thrown = new HandlerFailedException(new Envelope(new Message('x'), [new SentToFailureTransportStamp('other')]), [new \DomainException('broken')]);
        $worker('async')($job = self::job(attempt: 3));
        self::assertTrue($job->isSettled());
    }

    public function testAWorkerThatListenersStopHandsTheNextMessageBack(): void
    {
        $this->dispatcher->addListener(WorkerRunningEvent::class, static fn(WorkerRunningEvent $event) => $event->isWorkerIdle() ? null : $event->getWorker()->stop());
        $names = [];
        $this->dispatcher->addListener(WorkerStartedEvent::class, static function (WorkerStartedEvent $event) use (&$names): void {
            $names = $event->getWorker()->getMetadata()->getTransportNames();
        });
        $worker = new MessengerWorker($this, $this->transports(), $this->dispatcher, $this, null, null, static fn(): array => ['async' => 'rrts://emails', 'redis' => 'redis://localhost']);
        $worker($first = self::job());
        $worker($second = self::job());
        self::assertSame([false, true], [$first->isHandedBack(), $second->isHandedBack()]);
        self::assertSame([1, 1, ['async']], [\count($this->dispatched), $this->resets, $names]);
    }

    public function testAFailureTransportThatIsDownCostsNoMessage(): void
    {
        $this->thrown = self::failed(new \DomainException('broken'));
        $this->dispatcher->addListener(WorkerMessageFailedEvent::class, static fn() => throw new \RuntimeException('the database is down'));
        self::assertSame('failed', $this->handle(self::job())->settlement()['result'], 'it comes again anyway');
        self::assertEquals(
            ['result' => 'requeue', 'delay' => 30_000, 'message' => 'a listener of WorkerMessageFailedEvent has failed'],
            $this->handle(self::job(attempt: 3))->settlement(),
        );
    }

    public function testSymfonyRetriesWhereItIsToldTo(): void
    {
        $this->listenAsSymfony();
        $this->thrown = self::failed(new \DomainException('broken'));
        $job = $this->handle(self::job(header: 'symfony', attempt: 3));
        self::assertFalse($job->isSettled(), 'its successor is on its way');
        self::assertCount(1, $this->rpc->calls);
        /** @var array{pipeline: string, jobs: array{array{delay: int}}} $sent */
        $sent = $this->rpc->calls[0][1];
        self::assertSame(['other', 1000], [$sent['pipeline'], $sent['jobs'][0]['delay']]);

        $this->thrown = self::failed(new UnrecoverableMessageHandlingException('never'));
        $settlement = $this->handle(self::job(header: 'symfony'))->settlement();
        self::assertSame(['failed', false], [$settlement['result'], $settlement['retry']]);
        self::assertCount(1, $this->rpc->calls);
    }

    public function testWhatIsNoMessageIsADeadLetter(): void
    {
        $settlement = $this->handle(new Job('id-1', 'App\Gone', 'nonsense', ['rrts-messenger-transport' => ['async']], 'emails'))->settlement();
        self::assertSame(['failed', false], [$settlement['result'], $settlement['retry']]);
        self::assertSame([], $this->dispatched);
        self::assertSame([], $this->events);
        self::assertSame(1, $this->resets);
    }

    public function testWhatOthersPushBelongsToTheTransportOfThePipeline(): void
    {
        foreach ([1, 2] as $time) {
            $this->handle(self::job(header: null, pipeline: 'other-pipeline'));
            self::assertEquals(new ReceivedStamp('named'), $this->dispatched[$time - 1]->last(ReceivedStamp::class));
        }
        $this->handle(self::job(header: 'renamed', pipeline: 'other-pipeline'));
        self::assertEquals(new ReceivedStamp('named'), $this->dispatched[2]->last(ReceivedStamp::class));
    }

    public function testAPipelineWithoutATransportIsAnError(): void
    {
        $this->expectException(UnrecoverableException::class);
        $this->expectExceptionMessage('of the pipeline strange belongs to no transport: messenger.yaml has none with the DSN rrts://strange.');
        $this->handle(self::job(header: null, pipeline: 'strange'));
    }

    public function testAListenerMayKeepAMessageFromBeingHandled(): void
    {
        $this->dispatcher->addListener(WorkerMessageReceivedEvent::class, static fn(WorkerMessageReceivedEvent $event) => $event->shouldHandle(false));
        self::assertFalse($this->handle(self::job())->isSettled());
        self::assertSame([], $this->dispatched);
    }

    public function testAServerThatHasGoneEndsTheWorker(): void
    {
        $this->thrown = new TransportException('gone');
        $this->expectException(TransportException::class);
        $this->handle(self::job());
    }

    public function testItWorksWithABusAndTransportsAlone(): void
    {
        $worker = new MessengerWorker($this, $this->transports());
        $worker(self::job());
        $this->thrown = new \DomainException('broken');
        $job = self::job();
        $worker($job);
        self::assertSame('failed', $job->settlement()['result']);
    }

    private function handle(Job $job): Job
    {
        $this->events = [];
        (new MessengerWorker($this, $this->transports(), $this->dispatcher, $this))($job);

        return $job;
    }

    /** @return ServiceLocator<mixed> */
    private function transports(): ServiceLocator
    {
        $factory = new TransportFactory($this->rpc);
        $make = static fn(string $name, string $dsn): \Closure => static fn() => $factory->createTransport($dsn, ['transport_name' => $name], new PhpSerializer());

        return new ServiceLocator([
            'redis' => static fn() => new \stdClass(),
            'async' => $make('async', 'rrts://emails'),
            'symfony' => $make('symfony', 'rrts://other?retries=symfony'),
            'named' => $make('named', 'rrts://other-pipeline'),
        ]);
    }

    /** Symfony's listener as the bundle has it. */
    private function listenAsSymfony(): void
    {
        $strategies = new ServiceLocator(\array_fill_keys(['async', 'symfony'], static fn() => new MultiplierRetryStrategy(3, 1000)));
        $this->dispatcher->addSubscriber(new RetryListener($this->transports(), $strategies));
    }

    private function failedEvent(): WorkerMessageFailedEvent
    {
        $event = $this->events[1] ?? null;
        self::assertInstanceOf(WorkerMessageFailedEvent::class, $event);

        return $event;
    }

    /** @return list<class-string> */
    private function eventClasses(): array
    {
        return \array_map(static fn(object $event): string => $event::class, $this->events);
    }

    private static function failed(\Throwable ...$causes): HandlerFailedException
    {
        return new HandlerFailedException(new Envelope(new Message('x')), \array_values($causes));
    }

    /** @param array<string, list<string>> $headers */
    private static function job(?string $header = 'async', string $pipeline = 'emails', int $attempt = 1, array $headers = []): Job
    {
        /** @var array{body: string} $encoded */
        $encoded = (new PhpSerializer())->encode(new Envelope(new Message('x')));

        return new Job('id-1', Message::class, $encoded['body'], $headers + ($header === null ? [] : ['rrts-messenger-transport' => [$header]]), $pipeline, attempt: $attempt, maxAttempts: 3);
    }
}
