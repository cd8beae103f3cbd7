<?php

declare(strict_types=1);

namespace Rrts\Node;

use Rrts\Exception\NodeException;
use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;
use Rrts\Node;
use Rrts\Rpc\PendingCall;

/**
 * A module of bridge.modules; {@see Node::module()} gives it. Its functions are methods here:
 * `$sharp->versions()`. One named `new` is called with {@see Node::call()}, which takes names with dots, too.
 */
final class Module
{
    /** @internal */
    public function __construct(private readonly string $name, private readonly Bridge $bridge) {}

    /**
     * Calls an exported function.
     *
     * @param array<array-key, mixed> $arguments
     *
     * @throws NodeException when it threw, or is not allowed
     * @throws RpcException when the call failed otherwise
     * @throws TransportException when the server is not there
     */
    public function __call(string $name, array $arguments): mixed
    {
        $bridge = $this->bridge->bound();

        return $bridge->run($bridge->moduleCall($this->name, $name, $arguments));
    }

    /**
     * Calls the module itself, where it is a function: `$sharp('in.png')`.
     *
     * @throws NodeException when it threw, or is not allowed
     * @throws RpcException when the call failed otherwise
     * @throws TransportException when the server is not there
     */
    public function __invoke(mixed ...$arguments): mixed
    {
        return $this->__call('', $arguments);
    }

    /**
     * Makes an object of an exported class: `$exceljs->new('Workbook')`; `''` is the module itself.
     *
     * @throws NodeException when the class threw, or is not allowed
     * @throws RpcException when the call failed otherwise
     * @throws TransportException when the server is not there
     */
    public function new(string $class, mixed ...$arguments): mixed
    {
        return $this->__call("new {$class}", $arguments);
    }

    /**
     * Begins a call; `__` keeps the name free.
     *
     * @internal {@see Node::start()}
     *
     * @param array<array-key, mixed> $arguments
     *
     * @throws RpcException
     * @throws TransportException
     */
    public function __start(string $name, array $arguments): PendingCall
    {
        $bridge = $this->bridge->bound();

        return $bridge->start($bridge->moduleCall($this->name, $name, $arguments));
    }
}
