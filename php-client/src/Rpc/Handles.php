<?php

declare(strict_types=1);

namespace Rrts\Rpc;

/**
 * Objects that Node keeps for one connection, by number. Node counts how often it handed a number out, and PHP gives back as
 * many: so one that is on its way to PHP again while PHP gives it back stays good.
 *
 * What is given back is collected here and sent with the next call, or before the worker waits for its next request.
 *
 * @internal
 */
final class Handles
{
    private const BATCH = 10000;

    /** @var array<int, \WeakReference<object>> what stands for a number in PHP */
    private array $objects = [];

    /** @var list<int> */
    private array $released = [];

    /** @var list<int> */
    private array $ended = [];

    private bool $lost = false;

    /** What stands for a number, while PHP has it. */
    public function object(int $id): ?object
    {
        return ($this->objects[$id] ?? null)?->get();
    }

    /** What stands for a number from now on; null when nothing does any more. */
    public function stand(int $id, ?object $object): void
    {
        if ($object === null) {
            unset($this->objects[$id]);
        } else {
            $this->objects[$id] = \WeakReference::create($object);
        }
    }

    /**
     * Gives a number back.
     *
     * @param int $count how often it came
     */
    public function release(int $id, int $count): void
    {
        if ($this->lost) {
            return;
        }
        for (; $count > 0; $count--) {
            $this->released[] = $id;
        }
        if ($this->object($id) === null) {
            unset($this->objects[$id]);
        }
    }

    /** PHP leaves an iteration before its end. */
    public function endIteration(int $id): void
    {
        if (!$this->lost) {
            $this->ended[] = $id;
        }
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

    /** The connection ended, and the objects with it. */
    public function lose(): void
    {
        $this->lost = true;
        $this->objects = $this->released = $this->ended = [];
    }

    /** Whether the connection has ended. */
    public function areLost(): bool
    {
        return $this->lost;
    }
}
