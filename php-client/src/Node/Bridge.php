<?php

declare(strict_types=1);

namespace Rrts\Node;

use Rrts\Exception\EncodingException;
use Rrts\Exception\RpcArgumentException;
use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;
use Rrts\Rpc\Call;
use Rrts\Rpc\ConnectionInterface;
use Rrts\Rpc\Handles;
use Rrts\Rpc\PendingCall;
use Rrts\Rpc\Rpc;

/**
 * The methods of the bridge, over one connection and with one time limit.
 *
 * @internal
 */
final class Bridge
{
    /** Values of an iteration that Node may send at once. It waits for none but the first. */
    private const BATCH = 64;

    /** @var \Closure(mixed, Handles): mixed */
    private readonly \Closure $revive;

    private ?self $bound = null;

    /** @param float|null $timeout seconds for each call; the module's own by default */
    public function __construct(public readonly ConnectionInterface $connection, public readonly ?float $timeout)
    {
        $this->revive = fn(mixed $value, Handles $handles): mixed => (new ValueReader($this, $handles))->read($value);
    }

    /** The same, bound to the connection that a call would take now: objects belong to it. */
    public function bound(): self
    {
        $connection = $this->connection instanceof Rpc ? $this->connection->door() : $this->connection;

        if ($connection === $this->connection) {
            return $this;
        }

        return $this->bound?->connection === $connection ? $this->bound : $this->bound = new self($connection, $this->timeout);
    }

    /**
     * A call of what a module exports; for {@see run()} and {@see start()}.
     *
     * @param string $name '' for the module itself, `new Name` for a class
     * @param array<array-key, mixed> $arguments
     *
     * @return array{Call, array<string, mixed>}
     *
     * @throws RpcException when an argument cannot be sent
     */
    public function moduleCall(string $module, string $name, array $arguments): array
    {
        $subject = match (true) {
            $name === '' => "{$module}()",
            \str_starts_with($name, 'new ') => "new {$module}." . \substr($name, 4),
            default => "{$module}.{$name}",
        };

        return $this->prepare('bridge.Call', $subject, ['module' => $module, 'name' => $name], $arguments, null);
    }

    /**
     * A call of a method of an object; for {@see run()} and {@see start()}.
     *
     * @param array<array-key, mixed> $arguments
     *
     * @return array{Call, array<string, mixed>}
     *
     * @throws RpcException when an argument cannot be sent, or the object was released
     */
    public function objectCall(Handle $handle, string $name, array $arguments): array
    {
        return $this->prepare('bridge.CallObject', "{$handle->class}.{$name}", ['id' => $handle->id, 'name' => $name], $arguments, $handle);
    }

    /**
     * Makes a call.
     *
     * @param array{Call, array<string, mixed>} $prepared
     *
     * @throws RpcException
     * @throws TransportException
     */
    public function run(array $prepared): mixed
    {
        return $this->connection->run(...$prepared);
    }

    /**
     * Begins a call.
     *
     * @param array{Call, array<string, mixed>} $prepared
     *
     * @throws RpcException
     * @throws TransportException
     */
    public function start(array $prepared): PendingCall
    {
        return $this->connection->begin(...$prepared);
    }

    /**
     * A property of an object.
     *
     * @throws RpcException
     * @throws TransportException
     */
    public function get(Handle $handle, string $name): mixed
    {
        return $this->run($this->prepare('bridge.Get', "{$handle->class}.{$name}", ['id' => $handle->id, 'name' => $name], null, $handle));
    }

    /**
     * The values of an object that can be iterated, fetched as they are asked for.
     *
     * @return \Generator<int, mixed>
     *
     * @throws RpcException
     * @throws TransportException
     */
    public function iterate(Handle $handle): \Generator
    {
        $isOpen = false;
        try {
            do {
                $isOpen = false;
                $batch = $this->run($this->prepare('bridge.Next', "{$handle->class}.next", ['id' => $handle->id, 'count' => self::BATCH], null, $handle));
                $values = \is_array($batch) ? $batch['values'] ?? null : null;
                if (!\is_array($batch) || !\is_array($values)) {
                    throw new RpcException("bridge.Next {$handle->class}: the result has no values", 'ERR_RPC_RESULT', 'bridge.Next');
                }
                $isOpen = ($batch['done'] ?? null) !== true;
                foreach ($values as $value) {
                    yield $value;
                }
            } while ($isOpen);
        } finally {
            // Left early. It may be a destructor that comes here, in the middle of another call: the word goes with the next one.
            if ($isOpen) {
                $handle->handles->endIteration($handle->id);
            }
        }
    }

    /**
     * @param array<string, mixed> $argument
     * @param array<array-key, mixed>|null $arguments null for a method that takes none
     *
     * @return array{Call, array<string, mixed>}
     *
     * @throws RpcException
     */
    private function prepare(string $method, string $subject, array $argument, ?array $arguments, ?Handle $handle): array
    {
        $label = "{$method} {$subject}";
        $handle?->expectGood($label, $method);
        $writer = new ValueWriter($label, $method, $handle?->handles);
        if ($arguments !== null) {
            $argument['arguments'] = $this->write($writer, $arguments, $label, $method);
        }

        return [new Call($method, $this->timeout, $label, $this->revive, $writer->handles), $argument];
    }

    /**
     * @param array<array-key, mixed> $arguments
     *
     * @return list<mixed>
     *
     * @throws RpcArgumentException
     */
    private function write(ValueWriter $writer, array $arguments, string $label, string $method): array
    {
        if (!\array_is_list($arguments)) {
            throw new RpcArgumentException("{$label}: JavaScript has no named arguments; pass an array of options instead", 'ERR_RPC_ARGUMENT', $method);
        }
        $written = [];
        foreach ($arguments as $i => $value) {
            try {
                $written[] = $writer->write($value);
            } catch (EncodingException $exception) {
                $place = 'argument ' . ($i + 1) . ($exception->path === '' ? '' : " at {$exception->path}");

                throw new RpcArgumentException("{$label}: {$place}: {$exception->problem}", 'ERR_RPC_ARGUMENT', $method, $exception);
            }
        }

        return $written;
    }
}
