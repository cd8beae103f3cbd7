<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\ConfigurationException;
use Rrts\Exception\ProtocolException;
use Rrts\Exception\TransportException;
use Rrts\Worker;

/**
 * Calls to the server that this process belongs to. Which way they go is decided at each call, so that it may be made before the worker
 * says hello: on the worker's own channel as soon as there is one, else through the socket that the environment names.
 */
final class Rpc implements ConnectionInterface
{
    /** Where rpc.listen is, before RoadRunner's name for it. */
    public const VARIABLE = 'RRTS_RPC';
    public const TOKEN_VARIABLE = 'RRTS_RPC_TOKEN';
    private const ROADRUNNER_VARIABLE = 'RR_RPC';

    private static ?self $shared = null;

    private ?SocketRpc $socket = null;

    private function __construct() {}

    /** The one of this process; nothing is connected before the first call. */
    public static function fromEnvironment(): self
    {
        return self::$shared ??= new self();
    }

    /** @throws ConfigurationException when there is no way to the server */
    public function call(string $method, mixed $argument = null, ?float $timeout = null): mixed
    {
        return $this->door()->call($method, $argument, $timeout);
    }

    /** @throws ConfigurationException when there is no way to the server */
    public function start(string $method, mixed $argument = null, ?float $timeout = null): PendingCall
    {
        return $this->door()->start($method, $argument, $timeout);
    }

    /** @throws ConfigurationException when there is no way to the server */
    public function notify(string $method, mixed $argument = null): void
    {
        $this->door()->notify($method, $argument);
    }

    /** @throws ConfigurationException when there is no way to the server */
    public function begin(Call $call, mixed $argument): PendingCall
    {
        return $this->door()->begin($call, $argument);
    }

    /** @throws ConfigurationException when there is no way to the server */
    public function run(Call $call, mixed $argument): mixed
    {
        return $this->door()->run($call, $argument);
    }

    /** @throws ConfigurationException when there is no way to the server */
    public function handles(): Handles
    {
        return $this->door()->handles();
    }

    /**
     * The connection that a call would take now.
     *
     * @throws ConfigurationException when there is no way to the server
     * @throws TransportException when the worker cannot say hello
     * @throws ProtocolException when the peer is not rrts
     */
    public function door(): ConnectionInterface
    {
        $worker = Worker::current();
        if ($worker?->hasRpc() === true) {
            return $worker->rpc();
        }
        if ($this->socket !== null) {
            return $this->socket;
        }
        $address = self::variable(self::VARIABLE);
        $address = $address === '' ? self::variable(self::ROADRUNNER_VARIABLE) : $address;
        if ($address !== '') {
            return $this->socket = new SocketRpc($address, self::variable(self::TOKEN_VARIABLE));
        }
        if ($worker === null && Worker::isAnnounced()) {
            // A kernel that calls while it boots: the worker then counts as ready before it is.
            return Worker::create()->rpc();
        }

        throw new ConfigurationException($worker === null
            ? 'There is no way to the server: a native worker calls Rrts\Worker::create() first, any other process needs rpc.listen and its address in ' . self::VARIABLE . '.'
            : 'The server takes no calls on the channel of its workers (it is older than this package), and has no rpc.listen.');
    }

    private static function variable(string $name): string
    {
        return (string) \getenv($name);
    }
}
