<?php

declare(strict_types=1);

namespace Rrts\Lock;

use Rrts\Exception\RpcArgumentException;
use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;
use Rrts\Rpc\Rpc;
use Rrts\Rpc\RpcInterface;

/**
 * Locks of the server's `lock:` section: many readers or one writer of a resource. A lock belongs to its id and ends by its release or its
 * ttl, not with the process that took it.
 */
final class Lock
{
    private const ANYBODY = '*';
    private const MICROSECONDS = 1_000_000;

    private readonly RpcInterface $rpc;

    /** @param RpcInterface|null $rpc the way to the server; null for that of this process */
    public function __construct(?RpcInterface $rpc = null)
    {
        $this->rpc = $rpc ?? Rpc::fromEnvironment();
    }

    /**
     * Takes a resource alone.
     *
     * @param string|null $id who holds it; null for a new one
     * @param float $ttl seconds until it ends by itself; 0 for a year
     * @param float $wait seconds to wait for it; 0 not to wait
     *
     * @return string|null the id, for {@see release()}; null when somebody else held it all the time
     *
     * @throws RpcException when the call failed
     * @throws TransportException when the server cannot be reached
     */
    public function lock(string $resource, ?string $id = null, float $ttl = 0.0, float $wait = 0.0): ?string
    {
        return $this->acquire('lock.Lock', $resource, $id, $ttl, $wait);
    }

    /**
     * Takes a resource together with other readers. The parameters are those of {@see lock()}.
     *
     * @return string|null the id, for {@see release()}; null when a writer held it all the time
     *
     * @throws RpcException when the call failed
     * @throws TransportException when the server cannot be reached
     */
    public function lockRead(string $resource, ?string $id = null, float $ttl = 0.0, float $wait = 0.0): ?string
    {
        return $this->acquire('lock.LockRead', $resource, $id, $ttl, $wait);
    }

    /**
     * Gives a resource back.
     *
     * @return bool false when this id did not hold it (any more)
     *
     * @throws RpcException when the call failed
     * @throws TransportException when the server cannot be reached
     */
    public function release(string $resource, string $id): bool
    {
        return $this->call('lock.Release', ['resource' => $resource, 'id' => $id]);
    }

    /**
     * Takes a resource from whoever holds it.
     *
     * @return bool false when nobody did
     *
     * @throws RpcException when the call failed
     * @throws TransportException when the server cannot be reached
     */
    public function forceRelease(string $resource): bool
    {
        return $this->call('lock.ForceRelease', ['resource' => $resource]);
    }

    /**
     * Whether a resource is held.
     *
     * @param string|null $id by this one; null for anybody
     *
     * @throws RpcException when the call failed
     * @throws TransportException when the server cannot be reached
     */
    public function exists(string $resource, ?string $id = null): bool
    {
        return $this->call('lock.Exists', ['resource' => $resource, 'id' => $id ?? self::ANYBODY]);
    }

    /**
     * Lets a lock end that many seconds from now.
     *
     * @param float $ttl seconds; 0 for a year
     *
     * @return bool false when this id does not hold it (any more)
     *
     * @throws RpcException when the call failed
     * @throws TransportException when the server cannot be reached
     */
    public function updateTtl(string $resource, string $id, float $ttl): bool
    {
        $method = 'lock.UpdateTTL';

        return $this->call($method, ['resource' => $resource, 'id' => $id, 'ttl' => self::microseconds($method, 'ttl', $ttl)]);
    }

    /**
     * Does some work while it holds a resource alone, and gives it back whatever happens. The work may take longer than the ttl; then it is not
     * alone any more.
     *
     * @template T
     *
     * @param callable(): T $work
     * @param float $ttl seconds until the lock ends by itself, for the case that this process dies
     * @param float $wait seconds to wait for it
     *
     * @return T what the work gives
     *
     * @throws NotAcquiredException when somebody else held it all the time; the work was not begun
     * @throws \Throwable what the work throws
     * @throws RpcException when the call failed
     * @throws TransportException when the server cannot be reached
     */
    public function run(string $resource, callable $work, float $ttl = 60.0, float $wait = 30.0): mixed
    {
        $id = $this->lock($resource, null, $ttl, $wait) ?? throw new NotAcquiredException($resource, $wait);
        try {
            $result = $work();
        } catch (\Throwable $failure) {
            try {
                $this->release($resource, $id);
            } catch (\Throwable) {
                // What the work threw says more; the ttl ends the lock.
            }

            throw $failure;
        }
        $this->release($resource, $id);

        return $result;
    }

    private function acquire(string $method, string $resource, ?string $id, float $ttl, float $wait): ?string
    {
        $id ??= \bin2hex(\random_bytes(16));
        $held = $this->call($method, [
            'resource' => $resource,
            'id' => $id,
            'ttl' => self::microseconds($method, 'ttl', $ttl),
            'wait' => self::microseconds($method, 'wait', $wait),
        ]);

        return $held ? $id : null;
    }

    /** @param array<string, string|int> $request */
    private function call(string $method, array $request): bool
    {
        $reply = $this->rpc->call($method, $request);

        return \is_array($reply) && ($reply['ok'] ?? false) === true;
    }

    /** Rounded up: a time that is not 0 does not become 0. */
    private static function microseconds(string $method, string $name, float $seconds): int
    {
        if (!($seconds >= 0.0 && $seconds < 1e12)) {
            throw new RpcArgumentException("{$method}: {$name} must be a number of seconds that is not negative, and is {$seconds}", 'ERR_RPC_ARGUMENT', $method);
        }

        return (int) \ceil($seconds * self::MICROSECONDS);
    }
}
