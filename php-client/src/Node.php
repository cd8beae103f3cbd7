<?php

declare(strict_types=1);

namespace Rrts;

use Rrts\Exception\NodeException;
use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;
use Rrts\Node\Bridge;
use Rrts\Node\Handle;
use Rrts\Node\Module;
use Rrts\Node\NodeObject;
use Rrts\Rpc\ConnectionInterface;
use Rrts\Rpc\PendingCall;
use Rrts\Rpc\Rpc;

/** Node libraries, as bridge.modules of the server lists them; and what an object of theirs cannot do by a name of its own. */
final class Node
{
    private function __construct() {}

    /**
     * A module; nothing is called yet.
     *
     * @param string $name its key in bridge.modules
     * @param float|null $timeout seconds for each call of it and of its objects; as configured by default
     * @param ConnectionInterface|null $connection the way to the server; found in the environment by default
     */
    public static function module(string $name, ?float $timeout = null, ?ConnectionInterface $connection = null): Module
    {
        return new Module($name, new Bridge($connection ?? Rpc::fromEnvironment(), $timeout));
    }

    /**
     * Calls a function of a module or a method of an object, whatever its name: `Node::call($fs, 'promises.readFile', $path)`.
     *
     * @throws NodeException when it threw, or is not allowed
     * @throws RpcException when the call failed otherwise
     * @throws TransportException when the server is not there
     */
    public static function call(Module|NodeObject $target, string $name, mixed ...$arguments): mixed
    {
        return $target->__call($name, $arguments);
    }

    /**
     * Begins such a call, so that several run at once.
     *
     * @throws RpcException when it cannot be sent
     * @throws TransportException when the server is not there
     */
    public static function start(Module|NodeObject $target, string $name, mixed ...$arguments): PendingCall
    {
        if ($target instanceof Module) {
            return $target->__start($name, $arguments);
        }
        $handle = Handle::of($target);

        return $handle->bridge->start($handle->bridge->objectCall($handle, $name, $arguments));
    }

    /** The class of an object in Node, such as Sharp. */
    public static function className(NodeObject $object): string
    {
        return Handle::of($object)->class;
    }

    /** Lets Node forget an object before PHP drops it. Using it afterwards is an error, releasing it again is none. */
    public static function release(NodeObject $object): void
    {
        Handle::of($object)->release();
    }
}
