<?php

declare(strict_types=1);

namespace Rrts\Node;

use Rrts\Exception\NodeException;
use Rrts\Rpc\Handles;

/**
 * What a {@see NodeObject} stands for. Apart from it, so that it has no name of its own that an object of Node could have; its end is
 * when the last one that needs the object of Node has gone: the NodeObject, or an iteration over it.
 *
 * @internal
 */
final class Handle
{
    /** @var \WeakMap<NodeObject, self>|null */
    private static ?\WeakMap $known = null;

    private bool $released = false;

    /** How often Node handed the number out. */
    private int $count = 1;

    private function __construct(
        public readonly Bridge $bridge,
        public readonly Handles $handles,
        public readonly int $id,
        public readonly string $class,
    ) {}

    public function __destruct()
    {
        if (!$this->released) {
            $this->handles->release($this->id, $this->count);
        }
    }

    /** The object for a number that came from Node: the same one for as long as PHP has it. */
    public static function receive(Bridge $bridge, Handles $handles, int $id, string $class): NodeObject
    {
        $object = $handles->object($id);
        if ($object instanceof NodeObject) {
            self::of($object)->count++;

            return $object;
        }
        $object = new NodeObject();
        $handles->stand($id, $object);
        self::$known ??= new \WeakMap();
        self::$known[$object] = new self($bridge, $handles, $id, $class);

        return $object;
    }

    /** @throws \LogicException for an object that did not come from Node */
    public static function of(NodeObject $object): self
    {
        return self::$known[$object] ?? throw new \LogicException('A NodeObject comes from Node; PHP cannot make one.');
    }

    /** Gives the object back before its time. */
    public function release(): void
    {
        if (!$this->released) {
            $this->released = true;
            $this->handles->stand($this->id, null);
            $this->handles->release($this->id, $this->count);
        }
    }

    /** @throws NodeException when Node does not have the object any more */
    public function expectGood(string $label, string $method): void
    {
        if ($this->released || $this->handles->areLost()) {
            $reason = $this->released ? 'was released' : 'went with the connection that it came on';

            throw new NodeException("{$label}: the {$this->class} {$reason}", 'ERR_BRIDGE_RELEASED', $method);
        }
    }
}
