<?php

declare(strict_types=1);

namespace Rrts\Node;

use Rrts\Exception\NodeException;
use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;
use Rrts\Node;

/**
 * An object that lives in Node: `$image->resize(200)->webp()->toBuffer()`. Methods and properties are those that the module allows;
 * `foreach` goes through one that can be iterated, asynchronously too. It is released when PHP drops the last reference.
 *
 * Everything that is no method here is one of the object in Node. Names that PHP takes itself, in any case: `getIterator` and those
 * that begin with `__`; {@see Node::call()} calls those too. {@see Node::release()} releases it early.
 *
 * @implements \IteratorAggregate<int, mixed>
 */
final class NodeObject implements \IteratorAggregate
{
    /** @internal PHP cannot make one */
    public function __construct() {}

    private function __clone() {}

    /**
     * Calls a method.
     *
     * @param array<array-key, mixed> $arguments
     *
     * @throws NodeException when it threw, is not allowed, or the object was released
     * @throws RpcException when the call failed otherwise
     * @throws TransportException when the server is not there
     */
    public function __call(string $name, array $arguments): mixed
    {
        $handle = Handle::of($this);

        return $handle->bridge->run($handle->bridge->objectCall($handle, $name, $arguments));
    }

    /**
     * Reads a property.
     *
     * @throws NodeException when it is not allowed, its getter threw, or the object was released
     * @throws RpcException when the call failed otherwise
     * @throws TransportException when the server is not there
     */
    public function __get(string $name): mixed
    {
        $handle = Handle::of($this);

        return $handle->bridge->get($handle, $name);
    }

    /**
     * Whether a property is neither null nor undefined; for `??`.
     *
     * @throws NodeException as in {@see __get()}
     * @throws RpcException
     * @throws TransportException
     */
    public function __isset(string $name): bool
    {
        return $this->__get($name) !== null;
    }

    /** @throws \LogicException always: properties are read only */
    public function __set(string $name, mixed $value): void
    {
        throw new \LogicException("The property {$name} of an object of Node cannot be set.");
    }

    /** @throws \LogicException always: it lives as long as the worker */
    public function __serialize(): never
    {
        throw new \LogicException('An object of Node cannot be serialized.');
    }

    /** @return array<string, mixed> */
    public function __debugInfo(): array
    {
        $handle = Handle::of($this);

        return ['class' => $handle->class, 'id' => $handle->id];
    }

    /**
     * @return \Generator<int, mixed>
     *
     * @throws NodeException when it cannot be iterated, threw, or was released
     * @throws RpcException when the call failed otherwise
     * @throws TransportException when the server is not there
     */
    public function getIterator(): \Generator
    {
        $handle = Handle::of($this);

        return $handle->bridge->iterate($handle);
    }
}
