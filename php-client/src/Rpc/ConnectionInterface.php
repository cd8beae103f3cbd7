<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;

/** What both doors have beside the calls, for the objects of Node libraries: {@see InBandRpc}, {@see SocketRpc}, {@see Rpc}. */
interface ConnectionInterface extends RpcInterface
{
    /**
     * {@see start()} for a call that says more about itself.
     *
     * @internal
     *
     * @throws RpcException when it cannot be sent
     * @throws TransportException when the server is not there
     */
    public function begin(Call $call, mixed $argument): PendingCall;

    /**
     * {@see call()} for such a call.
     *
     * @internal
     *
     * @throws RpcException when the call failed
     * @throws TransportException when the server is not there
     */
    public function run(Call $call, mixed $argument): mixed;

    /**
     * What Node keeps for this connection.
     *
     * @internal
     */
    public function handles(): Handles;
}
