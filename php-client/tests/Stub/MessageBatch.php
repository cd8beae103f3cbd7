<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

use Symfony\Component\Messenger\Handler\Acknowledger;
use Symfony\Component\Messenger\Handler\BatchHandlerInterface;
use Symfony\Component\Messenger\Handler\BatchHandlerTrait;

/** Collects messages and does what they say: nack, throw, forget, keep; all others are acknowledged. */
final class MessageBatch implements BatchHandlerInterface
{
    use BatchHandlerTrait;

    /** @var list<list<string>> texts, by batch */
    public array $batches = [];

    /** @var list<Acknowledger> of messages that were kept; one that is never called throws when it goes */
    public array $kept = [];

    /** @return mixed as Messenger wants it */
    public function __invoke(Message $message, ?Acknowledger $ack = null)
    {
        return $this->handle($message, $ack);
    }

    /** @param list<array{object, Acknowledger}> $jobs */
    private function process(array $jobs): void
    {
        $this->batches[] = \array_map(static fn(array $job): string => $job[0] instanceof Message ? $job[0]->text : '', $jobs);
        foreach ($jobs as [$message, $ack]) {
            match ($message instanceof Message ? $message->text : '') {
                'nack' => $ack->nack(new \DomainException('refused')),
                'throw' => throw new \RangeException('thrown'),
                'forget' => null,
                'keep' => $this->kept[] = $ack,
                default => $ack->ack('done'),
            };
        }
    }
}
