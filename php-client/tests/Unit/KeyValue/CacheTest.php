<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\KeyValue;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Psr\SimpleCache\CacheException as PsrCacheException;
use Psr\SimpleCache\InvalidArgumentException as PsrInvalidArgumentException;
use Rrts\Exception\RpcArgumentException;
use Rrts\Exception\RrtsException;
use Rrts\Exception\TransportException;
use Rrts\KeyValue\Cache;
use Rrts\KeyValue\CacheException;
use Rrts\KeyValue\InvalidArgumentException;
use Rrts\KeyValue\PhpSerializer;
use Rrts\KeyValue\SerializerInterface;
use Rrts\Tests\Stub\ScriptedRpc;

final class CacheTest extends TestCase
{
    public function testEachMethodIsOneCallToItsStorage(): void
    {
        [$cache, $rpc] = self::answering([]);
        self::assertTrue($cache->set('a', 1));
        self::assertTrue($cache->delete('a'));
        self::assertTrue($cache->deleteMultiple(['a', 'b']));
        self::assertTrue($cache->clear());
        self::assertFalse($cache->has('a'));

        self::assertSame([
            ['kv.Set', ['storage' => 'cache', 'items' => [['key' => 'a', 'value' => 'i:1;']]]],
            ['kv.Delete', ['storage' => 'cache', 'items' => [['key' => 'a']]]],
            ['kv.Delete', ['storage' => 'cache', 'items' => [['key' => 'a'], ['key' => 'b']]]],
            ['kv.Clear', ['storage' => 'cache', 'items' => []]],
            ['kv.Has', ['storage' => 'cache', 'items' => [['key' => 'a']]]],
        ], $rpc->calls);
    }

    public function testValuesAreReadInTheOrderOfTheKeys(): void
    {
        [$cache] = self::answering(['items' => [['key' => 'b', 'value' => 'b:0;'], ['key' => '7', 'value' => 's:1:"x";']]]);
        $values = $cache->getMultiple((static fn() => yield from ['a', 'b', '7'])(), 'default');
        self::assertSame(['a' => 'default', 'b' => false, 7 => 'x'], $values);
        self::assertTrue($cache->has('b'));
        [$empty] = self::answering([]);
        self::assertSame('default', $empty->get('a', 'default'));
        self::assertNull($empty->get('a'));
    }

    public function testNothingToDoIsNoCall(): void
    {
        [$cache, $rpc] = self::answering([]);
        self::assertSame([], $cache->getMultiple([]));
        self::assertTrue($cache->setMultiple([]));
        self::assertTrue($cache->deleteMultiple([]));
        self::assertSame([], $rpc->calls);
    }

    public function testKeysOfArraysThatLookLikeNumbersAreKeys(): void
    {
        [$cache, $rpc] = self::answering([]);
        $cache->setMultiple(['0' => 'zero', '12' => 'twelve']);
        $cache->set('42', 'x');
        $keys = [];
        foreach ($rpc->calls as [, $argument]) {
            \assert(\is_array($argument) && \is_array($argument['items']));
            \array_push($keys, ...\array_column($argument['items'], 'key'));
        }
        self::assertSame(['0', '12', '42'], $keys);
    }

    /** @return iterable<string, array{int|\DateInterval|null, float|null}> */
    public static function ttls(): iterable
    {
        yield 'for ever' => [null, null];
        yield 'seconds' => [10, 10.0];
        yield 'zero' => [0, 0.0];
        yield 'negative' => [-5, -5.0];
        yield 'an interval' => [new \DateInterval('PT1H'), 3600.0];
        yield 'longer than there are years' => [\PHP_INT_MAX, null];
    }

    #[DataProvider('ttls')]
    public function testATtlIsAPointInTime(int|\DateInterval|null $ttl, ?float $seconds): void
    {
        [$cache, $rpc] = self::answering([]);
        $before = \microtime(true);
        $cache->set('a', 'x', $ttl);
        $after = \microtime(true);
        $argument = $rpc->calls[0][1];
        \assert(\is_array($argument) && \is_array($argument['items']) && \is_array($argument['items'][0]));
        $timeout = $argument['items'][0]['timeout'] ?? null;
        if ($seconds === null) {
            self::assertNull($timeout);

            return;
        }
        self::assertIsString($timeout);
        self::assertMatchesRegularExpression('/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/', $timeout);
        $end = (float) (new \DateTimeImmutable($timeout))->format('U.v');
        self::assertGreaterThanOrEqual($before + $seconds - 0.002, $end);
        self::assertLessThanOrEqual($after + $seconds + 0.002, $end);
    }

    public function testATtlFarInThePastIsInThePast(): void
    {
        [$cache, $rpc] = self::answering([]);
        $cache->set('a', 'x', \PHP_INT_MIN);
        $argument = \serialize($rpc->calls[0][1]);
        self::assertStringContainsString('1970-01-01T00:00:00', $argument);
    }

    /** @return iterable<string, array{mixed}> */
    public static function wrongKeys(): iterable
    {
        foreach (['', 'a{b', 'a}', '(', ')', 'a/b', 'a\\b', 'a@b', 'a:b', "\xff", null, 7, 1.5, true, ['a'], new \stdClass()] as $key) {
            yield \get_debug_type($key) . ' ' . (\is_string($key) ? \rawurlencode($key) : '') => [$key];
        }
    }

    #[DataProvider('wrongKeys')]
    public function testWrongKeysAreRefusedEverywhere(mixed $key): void
    {
        [$cache, $rpc] = self::answering([]);
        $calls = [
            // @phpstan-ignore argument.type
            static fn() => $cache->get($key),
            // @phpstan-ignore argument.type
            static fn() => $cache->set($key, 1),
            // @phpstan-ignore argument.type
            static fn() => $cache->has($key),
            // @phpstan-ignore argument.type
            static fn() => $cache->delete($key),
            // @phpstan-ignore argument.type
            static fn() => $cache->getMultiple(['fine', $key]),
            // @phpstan-ignore argument.type
            static fn() => $cache->deleteMultiple(['fine', $key]),
        ];
        foreach ($calls as $call) {
            try {
                $call();
                self::fail('The key was taken.');
            } catch (InvalidArgumentException $refusal) {
                self::assertInstanceOf(PsrInvalidArgumentException::class, $refusal);
                self::assertInstanceOf(RrtsException::class, $refusal);
            }
        }
        self::assertSame([], $rpc->calls);
    }

    public function testOtherWrongArgumentsAreRefused(): void
    {
        [$cache] = self::answering([]);
        $calls = [
            // @phpstan-ignore argument.type
            static fn() => $cache->getMultiple('a'),
            // @phpstan-ignore argument.type
            static fn() => $cache->deleteMultiple(null),
            // @phpstan-ignore argument.type
            static fn() => $cache->setMultiple(7),
            // @phpstan-ignore argument.type
            static fn() => $cache->set('a', 'b', '10'),
            // @phpstan-ignore argument.type
            static fn() => $cache->set('a', 'b', 1.5),
        ];
        foreach ($calls as $call) {
            try {
                $call();
                self::fail('The argument was taken.');
            } catch (InvalidArgumentException $refusal) {
                self::assertStringContainsString('must be', $refusal->getMessage());
            }
        }
    }

    public function testFailuresAreCacheExceptionsWithTheirCause(): void
    {
        $failures = [
            new RpcArgumentException('no such storage: cache', 'ERR_RPC_ARGUMENT', 'kv.Has'),
            new TransportException('the server is gone'),
        ];
        foreach ($failures as $failure) {
            $cache = new Cache('cache', new ScriptedRpc(static fn() => throw $failure));
            try {
                $cache->has('a');
                self::fail('Nothing was thrown.');
            } catch (CacheException $exception) {
                self::assertInstanceOf(PsrCacheException::class, $exception);
                self::assertSame($failure, $exception->getPrevious());
                self::assertSame("The storage cache cannot be used: {$failure->getMessage()}", $exception->getMessage());
            }
        }
    }

    public function testValuesThatCannotBeWrittenOrRead(): void
    {
        [$cache] = self::answering(['items' => [['key' => 'a', 'value' => 'not serialized']]]);
        try {
            $cache->get('a');
            self::fail('It was read.');
        } catch (CacheException $exception) {
            self::assertStringStartsWith('The value of a in the storage cache cannot be read', $exception->getMessage());
        }
        $this->expectException(CacheException::class);
        $cache->set('a', static fn() => 1);
    }

    public function testTheSerializerIsOnesOwn(): void
    {
        $upper = new class implements SerializerInterface {
            public function serialize(mixed $value): string
            {
                return \strtoupper(\is_string($value) ? $value : '');
            }

            public function unserialize(string $bytes): mixed
            {
                return \strtolower($bytes);
            }
        };
        $rpc = new ScriptedRpc(static fn() => ['items' => [['key' => 'a', 'value' => 'LOUD']]]);
        $cache = new Cache('cache', $rpc, $upper);
        $cache->set('a', 'loud');
        self::assertSame('loud', $cache->get('a'));
        self::assertSame(['storage' => 'cache', 'items' => [['key' => 'a', 'value' => 'LOUD']]], $rpc->calls[0][1]);
        $guarded = new PhpSerializer([\ArrayObject::class]);
        self::assertInstanceOf(\ArrayObject::class, $guarded->unserialize(\serialize(new \ArrayObject())));
        self::assertNotInstanceOf(\SplObjectStorage::class, $guarded->unserialize(\serialize(new \SplObjectStorage())));
    }

    public function testTheEndOfAValue(): void
    {
        [$cache] = self::answering(['items' => [['key' => 'a', 'timeout' => '2030-01-02T03:04:05+00:00']]]);
        self::assertSame('2030-01-02 03:04:05', $cache->endOf('a')?->format('Y-m-d H:i:s'));
        [$noEnd] = self::answering(['items' => [['key' => 'a']]]);
        self::assertNull($noEnd->endOf('a'));
        [$nothing] = self::answering([]);
        self::assertNull($nothing->endOf('a'));
    }

    /**
     * @param array<string, mixed> $reply
     *
     * @return array{Cache, ScriptedRpc}
     */
    private static function answering(array $reply): array
    {
        $rpc = new ScriptedRpc(static fn() => $reply);

        return [new Cache('cache', $rpc), $rpc];
    }
}
