<?php

declare(strict_types=1);

namespace Rrts\Rpc;

/**
 * Objects that Node keeps for one connection, by number. Node counts how often it hands a number out and PHP gives back as
 * many: then a number that is on its way to PHP again while PHP gives it back stays good.
 *
 * What is given back is collected here and sent with the next call, or before the worker waits for its next request.
 *
 * @internal
 */
final class Handles
{
    private const BATCH = 10000;

    /** @var array<int, int> how often each number came and was not given back */
    private array $counts = [];

    /** @var array<int, \WeakReference<object>> */
    private array $objects = [];

    /** @var list<int> */
    private array $released = [];

    /** @var list<int> */
    private array $ended = [];

    private bool $lost = false;

    /** A number came. */
    public function receive(int $id): void
    {
        $this->counts[$id] = ($this->counts[$id] ?? 0) + 1;
    }

    /** The object that stands for a number, while PHP has it. */
    public function object(int $id): ?object
    {
        return ($this->objects[$id] ?? null)?->get();
    }

    /** The object that stands for a number from now on. */
    public function remember(int $id, object $object): void
    {
        $this->objects[$id] = \WeakReference::create($object);
    }

    /** PHP needs it no more. */
    public function release(int $id): void
    {
        for ($left = $this->counts[$id] ?? 0; $left > 0; $left--) {
            $this->released[] = $id;
        }
        unset($this->counts[$id], $this->objects[$id]);
    }

    /** PHP leaves an iteration before its end. */
    public function endIteration(int $id): void
    {
        $this->ended[] = $id;
    }

    /** Whether there is something to send. */
    public function isPending(): bool
    {
        return $this->released !== [] || $this->ended !== [];
    }

    /**
     * What is to be sent: methods and their arguments.
     *
     * @return list<array{string, array<string, mixed>}>
     */
    public function take(): array
    {
        $calls = [];
        foreach ($this->ended as $id) {
            $calls[] = ['bridge.Return', ['id' => $id]];
        }
        foreach ($this->released === [] ? [] : \array_chunk($this->released, self::BATCH) as $ids) {
            $calls[] = ['bridge.Release', ['ids' => $ids]];
        }
        $this->released = $this->ended = [];

        return $calls;
    }

    /** The connection ended, and the numbers with it. */
    public function lose(): void
    {
        $this->lost = true;
        $this->counts = $this->objects = $this->released = $this->ended = [];
    }

    /** Whether the connection has ended. */
    public function areLost(): bool
    {
        return $this->lost;
    }
}
