<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Exception\HandlerFailedException;
use Symfony\Component\Messenger\Handler\HandlerDescriptor;
use Symfony\Component\Messenger\MessageBusInterface;
use Symfony\Component\Messenger\Stamp\AckStamp;
use Symfony\Component\Messenger\Stamp\FlushBatchHandlersStamp;
use Symfony\Component\Messenger\Stamp\HandledStamp;
use Symfony\Component\Messenger\Stamp\NoAutoAckStamp;
use Symfony\Component\Messenger\Stamp\StampInterface;

/**
 * A message that went through the bus. Batch handlers are flushed after it: a worker has one job at a time, and what is answered must be done.
 *
 * @internal
 */
final class Delivery
{
    /** Messenger 6.4 has it. */
    private const ENVELOPE_AWARE = 'Symfony\Component\Messenger\Exception\EnvelopeAwareExceptionInterface';

    /** @param \ArrayObject<int, array{Envelope, \Throwable|null}> $acks what batch handlers have said of it; in an object of its own, or message and delivery would hold one another */
    private function __construct(
        private readonly \ArrayObject $acks,
        /** As the last of them has left it. */
        public Envelope $envelope,
        /** Why it is not done. */
        public ?\Throwable $failure = null,
    ) {}

    /** Dispatches it with these stamps, and keeps what is thrown. */
    public static function of(MessageBusInterface $bus, Envelope $envelope, StampInterface ...$stamps): self
    {
        /** @var \ArrayObject<int, array{Envelope, \Throwable|null}> $acks */
        $acks = new \ArrayObject();
        $note = static function (Envelope $envelope, ?\Throwable $error = null) use ($acks): void {
            $acks[] = [$envelope, $error];
        };
        // Without this stamp a batch handler is told to do it at once, and Messenger forgets when it says that this has failed.
        $envelope = $envelope->with(new AckStamp($note), ...\array_values($stamps));
        $delivery = new self($acks, $envelope);
        try {
            $delivery->envelope = $bus->dispatch($envelope);
        } catch (\Throwable $failure) {
            $delivery->failure = $failure;
            $delivery->envelope = self::envelopeOf($failure) ?? $envelope;
        }
        $waiting = $delivery->waiting();
        if ($waiting !== []) {
            $delivery->flush($bus, $waiting);
        }

        return $delivery;
    }

    /** @return array<string, HandlerDescriptor> batch handlers that have taken the message and have not said that it is done, by name */
    private function waiting(): array
    {
        $waiting = [];
        foreach ($this->envelope->all(NoAutoAckStamp::class) as $stamp) {
            if ($stamp instanceof NoAutoAckStamp) {
                $waiting[$stamp->getHandlerDescriptor()->getName()] = $stamp->getHandlerDescriptor();
            }
        }

        return $waiting;
    }

    /** @param non-empty-array<string, HandlerDescriptor> $waiting */
    private function flush(MessageBusInterface $bus, array $waiting): void
    {
        $this->acks->exchangeArray([]);
        $errors = [];
        try {
            if ($this->failure === null) {
                $bus->dispatch($this->envelope->withoutAll(AckStamp::class)->with(new FlushBatchHandlersStamp(true)));
            } else {
                // Through the bus those handlers would run once more that have failed just now.
                \array_map(static fn(HandlerDescriptor $handler) => $handler->getBatchHandler()?->flush(true), $waiting);
            }
        } catch (\Throwable $thrown) {
            $errors[] = $thrown;
        }
        [$done, $refused] = $this->said();
        $errors = [...$errors, ...$refused];
        $silent = \array_diff(\array_keys($waiting), \array_keys($done));
        if ($errors === [] && $silent !== []) {
            $errors[] = new \LogicException('A batch handler has neither done nor refused the message when it was told to flush: ' . \implode(', ', $silent) . '.');
        }
        $this->settle($waiting, $done, $errors);
    }

    /** @return array{array<string, HandledStamp>, list<\Throwable>} who has done it, by name, and the reasons of those that have not */
    private function said(): array
    {
        $done = $refused = [];
        foreach ($this->acks as [$envelope, $error]) {
            $stamp = $envelope->last(HandledStamp::class);
            if ($error !== null) {
                $refused[] = $error;
            } elseif ($stamp instanceof HandledStamp) {
                $done[$stamp->getHandlerName()] = $stamp;
            }
        }
        $this->acks->exchangeArray([]);

        return [$done, $refused];
    }

    /**
     * Messenger has stamped the waiting ones as handled when they took the message.
     *
     * @param array<string, HandlerDescriptor> $waiting
     * @param array<string, HandledStamp> $done
     * @param list<\Throwable> $errors
     */
    private function settle(array $waiting, array $done, array $errors): void
    {
        foreach ($this->envelope->all(HandledStamp::class) as $stamp) {
            if ($stamp instanceof HandledStamp && !isset($waiting[$stamp->getHandlerName()])) {
                $done += [$stamp->getHandlerName() => $stamp];
            }
        }
        $this->envelope = $this->envelope->withoutAll(NoAutoAckStamp::class)->withoutAll(HandledStamp::class)->with(...\array_values($done));
        $errors = \array_merge(...\array_map(Verdict::causesOf(...), $errors));
        if ($errors !== [] && ($this->failure === null || $this->failure instanceof HandlerFailedException)) {
            $before = $this->failure === null ? [] : Verdict::causesOf($this->failure);
            $this->failure = new HandlerFailedException($this->envelope, [...$before, ...$errors]);
        }
    }

    private static function envelopeOf(\Throwable $failure): ?Envelope
    {
        $isAware = $failure instanceof HandlerFailedException || \in_array(self::ENVELOPE_AWARE, \class_implements($failure), true);
        $envelope = $isAware && \method_exists($failure, 'getEnvelope') ? $failure->getEnvelope() : null;

        return $envelope instanceof Envelope ? $envelope : null;
    }
}
