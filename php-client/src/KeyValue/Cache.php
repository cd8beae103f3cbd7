<?php

declare(strict_types=1);

namespace Rrts\KeyValue;

use Psr\SimpleCache\CacheInterface;
use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;
use Rrts\Rpc\Rpc;
use Rrts\Rpc\RpcInterface;

/**
 * One storage of the server's `kv:` section as a PSR-16 cache, which all workers share. Parameters have no types, so that the class fits
 * psr/simple-cache 1, 2 and 3; keys and ttls are checked all the same.
 *
 * @phpstan-type Item array{key: string, value?: string, timeout?: string}
 */
final class Cache implements CacheInterface
{
    private const RESERVED = '{}()/\@:';
    /** Seconds: about a thousand years. */
    private const LONGEST = 31_536_000_000;

    private readonly RpcInterface $rpc;

    /**
     * @param string $storage its name in the configuration
     * @param RpcInterface|null $rpc the way to the server; null for that of this process
     */
    public function __construct(
        private readonly string $storage,
        ?RpcInterface $rpc = null,
        private readonly SerializerInterface $serializer = new PhpSerializer(),
    ) {
        $this->rpc = $rpc ?? Rpc::fromEnvironment();
    }

    /**
     * @param string $key
     * @param mixed $default what to give when there is nothing
     *
     * @throws InvalidArgumentException for a key that PSR-16 does not allow
     * @throws CacheException when the storage cannot be asked, or the value not be read
     */
    public function get($key, $default = null): mixed
    {
        foreach ($this->call('MGet', [['key' => self::checkedKey($key)]]) as $item) {
            return $this->valueOf($item);
        }

        return $default;
    }

    /**
     * @param string $key
     * @param mixed $value anything the serializer takes
     * @param int|\DateInterval|null $ttl seconds; null for ever; 0 and less removes the key
     *
     * @throws InvalidArgumentException for a key or ttl that PSR-16 does not allow
     * @throws CacheException when the storage cannot be reached, or the value not be written
     */
    public function set($key, $value, $ttl = null): bool
    {
        return $this->setMultiple([self::checkedKey($key) => $value], $ttl);
    }

    /**
     * @param string $key
     *
     * @throws InvalidArgumentException for a key that PSR-16 does not allow
     * @throws CacheException when the storage cannot be reached
     */
    public function delete($key): bool
    {
        return $this->deleteMultiple([$key]);
    }

    /**
     * Removes every key of the storage.
     *
     * @throws CacheException when the storage cannot be reached
     */
    public function clear(): bool
    {
        $this->call('Clear', []);

        return true;
    }

    /**
     * @param iterable<string> $keys
     * @param mixed $default what to give for those that do not exist
     *
     * @return array<string, mixed> by key, in the order of the keys; PHP makes integers of keys such as "7"
     *
     * @throws InvalidArgumentException for a key that PSR-16 does not allow
     * @throws CacheException when the storage cannot be asked, or a value not be read
     */
    public function getMultiple($keys, $default = null): array
    {
        $items = self::itemsOf($keys);
        $values = [];
        foreach ($items as $item) {
            $values[$item['key']] = $default;
        }
        foreach ($items === [] ? [] : $this->call('MGet', $items) as $item) {
            $values[$item['key']] = $this->valueOf($item);
        }

        /** @var array<string, mixed> */
        return $values;
    }

    /**
     * @param iterable<mixed, mixed> $values by key
     * @param int|\DateInterval|null $ttl seconds; null for ever; 0 and less removes the keys
     *
     * @throws InvalidArgumentException for a key or ttl that PSR-16 does not allow
     * @throws CacheException when the storage cannot be reached, or a value not be written
     */
    public function setMultiple($values, $ttl = null): bool
    {
        self::assertIterable($values);
        $timeout = self::timeoutOf($ttl);
        $items = [];
        foreach ($values as $key => $value) {
            // A key of an array that looks like a number is one.
            $item = ['key' => self::checkedKey(\is_int($key) ? (string) $key : $key), 'value' => $this->written($value)];
            $items[] = $timeout === null ? $item : $item + ['timeout' => $timeout];
        }
        if ($items !== []) {
            $this->call('Set', $items);
        }

        return true;
    }

    /**
     * @param iterable<string> $keys
     *
     * @throws InvalidArgumentException for a key that PSR-16 does not allow
     * @throws CacheException when the storage cannot be reached
     */
    public function deleteMultiple($keys): bool
    {
        $items = self::itemsOf($keys);
        if ($items !== []) {
            $this->call('Delete', $items);
        }

        return true;
    }

    /**
     * Whether there is a value now; it may have ended when {@see get()} asks for it.
     *
     * @param string $key
     *
     * @throws InvalidArgumentException for a key that PSR-16 does not allow
     * @throws CacheException when the storage cannot be reached
     */
    public function has($key): bool
    {
        return $this->call('Has', [['key' => self::checkedKey($key)]]) !== [];
    }

    /**
     * When a value ends, to the second; null when it never does or does not exist.
     *
     * @throws InvalidArgumentException for a key that PSR-16 does not allow
     * @throws CacheException when the storage cannot be asked
     */
    public function endOf(string $key): ?\DateTimeImmutable
    {
        foreach ($this->call('TTL', [['key' => self::checkedKey($key)]]) as $item) {
            $timeout = $item['timeout'] ?? '';

            return $timeout === '' ? null : new \DateTimeImmutable($timeout);
        }

        return null;
    }

    /**
     * @param list<Item> $items
     *
     * @return list<Item>
     */
    private function call(string $method, array $items): array
    {
        try {
            $reply = $this->rpc->call("kv.{$method}", ['storage' => $this->storage, 'items' => $items]);
        } catch (RpcException|TransportException $failure) {
            throw new CacheException("The storage {$this->storage} cannot be used: {$failure->getMessage()}", 0, $failure);
        }
        /** @var list<Item> $found */
        $found = \is_array($reply) ? $reply['items'] ?? [] : [];

        return $found;
    }

    /** @param Item $item */
    private function valueOf(array $item): mixed
    {
        try {
            return $this->serializer->unserialize($item['value'] ?? '');
        } catch (\Throwable $failure) {
            throw new CacheException("The value of {$item['key']} in the storage {$this->storage} cannot be read: {$failure->getMessage()}", 0, $failure);
        }
    }

    private function written(mixed $value): string
    {
        try {
            return $this->serializer->serialize($value);
        } catch (\Throwable $failure) {
            throw new CacheException("A value for the storage {$this->storage} cannot be written: {$failure->getMessage()}", 0, $failure);
        }
    }

    /** @return list<array{key: string}> */
    private static function itemsOf(mixed $keys): array
    {
        self::assertIterable($keys);
        $items = [];
        foreach ($keys as $key) {
            $items[] = ['key' => self::checkedKey($key)];
        }

        return $items;
    }

    /** @phpstan-assert iterable<mixed, mixed> $values */
    private static function assertIterable(mixed $values): void
    {
        if (!\is_iterable($values)) {
            throw new InvalidArgumentException('Keys and values must be an array or Traversable, not ' . \get_debug_type($values) . '.');
        }
    }

    private static function checkedKey(mixed $key): string
    {
        if (!\is_string($key)) {
            throw new InvalidArgumentException('A key must be a string, not ' . \get_debug_type($key) . '.');
        }
        if ($key === '') {
            throw new InvalidArgumentException('A key must not be empty.');
        }
        if (\strpbrk($key, self::RESERVED) !== false) {
            throw new InvalidArgumentException("The key {$key} has one of the characters that PSR-16 reserves: " . self::RESERVED);
        }
        if (\preg_match('//u', $key) !== 1) {
            throw new InvalidArgumentException('A key must be UTF-8: ' . \rawurlencode($key) . ' is not.');
        }

        return $key;
    }

    /** As RFC 3339, to the millisecond. */
    private static function timeoutOf(mixed $ttl): ?string
    {
        if ($ttl === null) {
            return null;
        }
        $now = new \DateTimeImmutable('now', new \DateTimeZone('UTC'));
        if ($ttl instanceof \DateInterval) {
            return $now->add($ttl)->format(\DateTimeInterface::RFC3339_EXTENDED);
        }
        if (!\is_int($ttl)) {
            throw new InvalidArgumentException('A ttl must be null, an int or a DateInterval, not ' . \get_debug_type($ttl) . '.');
        }

        // Beyond the year 9999 there is no form on the wire, and it counts as for ever; before 1970 it is past all the same.
        $end = $ttl > self::LONGEST ? null : \max($now->getTimestamp() + \max($ttl, -self::LONGEST), 0);

        return $end === null ? null : (new \DateTimeImmutable("@{$end}.{$now->format('u')}"))->format(\DateTimeInterface::RFC3339_EXTENDED);
    }
}
