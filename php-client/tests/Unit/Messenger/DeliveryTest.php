<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Messenger;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Rrts\Messenger\Delivery;
use Rrts\Messenger\Verdict;
use Rrts\Tests\Stub\Message;
use Rrts\Tests\Stub\MessageBatch;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Exception\HandlerFailedException;
use Symfony\Component\Messenger\Exception\LogicException;
use Symfony\Component\Messenger\Handler\HandlerDescriptor;
use Symfony\Component\Messenger\Handler\HandlersLocator;
use Symfony\Component\Messenger\MessageBus;
use Symfony\Component\Messenger\Middleware\HandleMessageMiddleware;
use Symfony\Component\Messenger\Stamp\HandledStamp;
use Symfony\Component\Messenger\Stamp\NoAutoAckStamp;

/** The bus and the handlers of Messenger, with handlers that collect messages until they have ten. */
final class DeliveryTest extends TestCase
{
    private MessageBatch $batch;

    /** @var list<string> what the other handler was called with */
    private array $others = [];

    private ?\Throwable $otherFails = null;

    protected function setUp(): void
    {
        $this->batch = new MessageBatch();
    }

    public function testABatchHandlerHasDoneItsMessageBeforeItIsAnswered(): void
    {
        foreach (['one', 'two'] as $text) {
            $delivery = $this->deliver($text);
            self::assertNull($delivery->failure);
            self::assertNull($delivery->envelope->last(NoAutoAckStamp::class));
            self::assertSame(['other', 'batch'], self::handledBy($delivery->envelope));
            $stamp = $delivery->envelope->last(HandledStamp::class);
            self::assertInstanceOf(HandledStamp::class, $stamp);
            self::assertContains($stamp->getResult(), ['done', 'result']);
        }
        self::assertSame([['one'], ['two']], $this->batch->batches);
        self::assertSame(['one', 'two'], $this->others);
    }

    #[TestWith(['nack', \DomainException::class, 'refused'])]
    #[TestWith(['throw', LogicException::class, 'The acknowledger was not called by the "Rrts\Tests\Stub\MessageBatch" batch handler.'])]
    #[TestWith(['forget', LogicException::class, 'The acknowledger was not called by the "Rrts\Tests\Stub\MessageBatch" batch handler.'])]
    #[TestWith(['keep', \LogicException::class, 'A batch handler has neither done nor refused the message when it was told to flush: Rrts\Tests\Stub\MessageBatch::__invoke@batch.'])]
    public function testABatchHandlerThatDoesNotDoItFails(string $text, string $class, string $message): void
    {
        $delivery = $this->deliver($text);
        self::assertSame([[$class, $message]], self::causes($delivery));
        self::assertSame(['other'], self::handledBy($delivery->envelope), 'the next attempt calls the batch handler only');
        foreach ($this->batch->kept as $acknowledger) {
            $acknowledger->ack();
        }
    }

    public function testABatchHandlerIsFlushedWhenAnotherOneHasFailed(): void
    {
        $this->otherFails = new \DomainException('broken');
        $delivery = $this->deliver('one');
        self::assertSame([[\DomainException::class, 'broken']], self::causes($delivery));
        self::assertSame(['batch'], self::handledBy($delivery->envelope));
        self::assertSame([[['one']], ['one']], [$this->batch->batches, $this->others]);

        $both = $this->deliver('nack');
        self::assertSame([[\DomainException::class, 'broken'], [\DomainException::class, 'refused']], self::causes($both));
        self::assertSame([], self::handledBy($both->envelope));
    }

    #[TestWith(['one'])]
    #[TestWith(['nack'])]
    public function testAMessageGoesWithItsDelivery(string $text): void
    {
        $delivery = $this->deliver($text);
        $message = \WeakReference::create($delivery->envelope->getMessage());
        unset($delivery);
        self::assertNull($message->get());
    }

    public function testWhatTheBusThrowsIsKept(): void
    {
        $envelope = new Envelope(new \stdClass());
        $delivery = Delivery::of(new MessageBus([new HandleMessageMiddleware(new HandlersLocator([]))]), $envelope);
        self::assertSame('No handler for message "stdClass".', $delivery->failure?->getMessage());
        self::assertSame($envelope->getMessage(), $delivery->envelope->getMessage());
    }

    private function deliver(string $text): Delivery
    {
        $other = function (Message $message): string {
            $this->others[] = $message->text;

            return $this->otherFails === null ? 'result' : throw $this->otherFails;
        };
        $handlers = [new HandlerDescriptor($other, ['alias' => 'other']), new HandlerDescriptor($this->batch, ['alias' => 'batch'])];
        $bus = new MessageBus([new HandleMessageMiddleware(new HandlersLocator([Message::class => $handlers]))]);

        return Delivery::of($bus, new Envelope(new Message($text)));
    }

    /** @return list<string> aliases */
    private static function handledBy(Envelope $envelope): array
    {
        $names = [];
        foreach ($envelope->all(HandledStamp::class) as $stamp) {
            self::assertInstanceOf(HandledStamp::class, $stamp);
            $names[] = \substr((string) \strrchr($stamp->getHandlerName(), '@'), 1);
        }
        \rsort($names);

        return $names;
    }

    /** @return list<array{class-string, string}> */
    private static function causes(Delivery $delivery): array
    {
        self::assertInstanceOf(HandlerFailedException::class, $delivery->failure);

        return \array_map(static fn(\Throwable $cause): array => [$cause::class, $cause->getMessage()], Verdict::causesOf($delivery->failure));
    }
}
