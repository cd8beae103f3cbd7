<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;

/** Calls methods of the server's services: kv, lock, metrics, the bridge to Node libraries, services of one's own. */
interface RpcInterface
{
    /**
     * Calls a method and waits for its result.
     *
     * @param string $method Service.Method
     * @param mixed $argument null, booleans, numbers, strings, arrays and stdClass of them
     * @param float|null $timeout seconds; the method's own limit by default
     *
     * @throws RpcException when the call failed; its subclasses tell why
     * @throws TransportException when the server is not there
     */
    public function call(string $method, mixed $argument = null, ?float $timeout = null): mixed;

    /**
     * Begins a call, so that several run at once; {@see PendingCall::wait()} gives the result. The parameters are those of {@see call()}.
     *
     * @throws RpcException when it cannot be sent
     * @throws TransportException when the server is not there
     */
    public function start(string $method, mixed $argument = null, ?float $timeout = null): PendingCall;

    /**
     * Calls a method and does not care for the result, nor whether it fails. The parameters are those of {@see call()}.
     *
     * @throws RpcException when it cannot be sent
     * @throws TransportException when the server is not there
     */
    public function notify(string $method, mixed $argument = null): void;
}
