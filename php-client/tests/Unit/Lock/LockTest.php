<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Lock;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\RpcArgumentException;
use Rrts\Exception\TransportException;
use Rrts\Lock\Lock;
use Rrts\Lock\NotAcquiredException;
use Rrts\Tests\Stub\ScriptedRpc;

final class LockTest extends TestCase
{
    public function testEachMethodIsOneCallInMicroseconds(): void
    {
        [$lock, $rpc] = self::answering(true);
        self::assertSame('me', $lock->lock('r', 'me', 1.5, 0.000_000_1));
        self::assertSame('me', $lock->lockRead('r', 'me'));
        self::assertTrue($lock->release('r', 'me'));
        self::assertTrue($lock->forceRelease('r'));
        self::assertTrue($lock->exists('r'));
        self::assertTrue($lock->exists('r', 'me'));
        self::assertTrue($lock->updateTtl('r', 'me', 0.25));

        self::assertSame([
            ['lock.Lock', ['resource' => 'r', 'id' => 'me', 'ttl' => 1_500_000, 'wait' => 1]],
            ['lock.LockRead', ['resource' => 'r', 'id' => 'me', 'ttl' => 0, 'wait' => 0]],
            ['lock.Release', ['resource' => 'r', 'id' => 'me']],
            ['lock.ForceRelease', ['resource' => 'r']],
            ['lock.Exists', ['resource' => 'r', 'id' => '*']],
            ['lock.Exists', ['resource' => 'r', 'id' => 'me']],
            ['lock.UpdateTTL', ['resource' => 'r', 'id' => 'me', 'ttl' => 250_000]],
        ], $rpc->calls);
    }

    public function testANoIsANo(): void
    {
        [$lock] = self::answering(false);
        self::assertNull($lock->lock('r'));
        self::assertNull($lock->lockRead('r'));
        self::assertFalse($lock->release('r', 'me'));
        self::assertFalse($lock->exists('r'));
        // A field that is false is left out of a message.
        self::assertFalse((new Lock(new ScriptedRpc(static fn() => [])))->exists('r'));
    }

    public function testEachLockGetsAnIdOfItsOwn(): void
    {
        [$lock] = self::answering(true);
        $ids = [];
        for ($count = 0; $count < 100; $count++) {
            $ids[] = $lock->lock('r');
        }
        self::assertCount(100, \array_unique($ids));
        self::assertContainsOnlyString($ids);
    }

    /** @return iterable<string, array{float}> */
    public static function wrongTimes(): iterable
    {
        yield 'negative' => [-0.1];
        yield 'no number' => [\NAN];
        yield 'endless' => [\INF];
    }

    #[DataProvider('wrongTimes')]
    public function testWrongTimesAreRefused(float $seconds): void
    {
        [$lock, $rpc] = self::answering(true);
        $calls = [
            static fn() => $lock->lock('r', ttl: $seconds),
            static fn() => $lock->lockRead('r', wait: $seconds),
            static fn() => $lock->updateTtl('r', 'me', $seconds),
        ];
        foreach ($calls as $call) {
            try {
                $call();
                self::fail('The time was taken.');
            } catch (RpcArgumentException $refusal) {
                self::assertSame('ERR_RPC_ARGUMENT', $refusal->errorCode);
            }
        }
        self::assertSame([], $rpc->calls);
    }

    public function testRunReleasesWhatItTook(): void
    {
        [$lock, $rpc] = self::answering(true);
        self::assertSame('done', $lock->run('r', static fn() => 'done', 5, 1));
        self::assertSame(['lock.Lock', 'lock.Release'], \array_column($rpc->calls, 0));
        [$taken, $released] = \array_column($rpc->calls, 1);
        \assert(\is_array($taken) && \is_array($released));
        self::assertSame($taken['id'], $released['id']);
        self::assertSame([5_000_000, 1_000_000], [$taken['ttl'], $taken['wait']]);
    }

    public function testRunReleasesWhenTheWorkFails(): void
    {
        [$lock, $rpc] = self::answering(true);
        try {
            $lock->run('r', self::broken(...));
            self::fail('Nothing was thrown.');
        } catch (\DomainException $failure) {
            self::assertSame('broken', $failure->getMessage());
        }
        self::assertSame(['lock.Lock', 'lock.Release'], \array_column($rpc->calls, 0));
    }

    public function testTheFailureOfTheWorkIsNotHiddenByThatOfTheRelease(): void
    {
        $lock = new Lock(new ScriptedRpc(static fn(string $method) => $method === 'lock.Lock' ? ['ok' => true] : throw new TransportException('gone')));
        try {
            $lock->run('r', self::broken(...));
            self::fail('Nothing was thrown.');
        } catch (\DomainException $failure) {
            self::assertSame('broken', $failure->getMessage());
        }
        $this->expectException(TransportException::class);
        $lock->run('r', static fn() => 'done');
    }

    public function testRunWithoutTheLockDoesNoWork(): void
    {
        [$lock, $rpc] = self::answering(false);
        try {
            $lock->run('r', self::broken(...), wait: 0.5);
            self::fail('Nothing was thrown.');
        } catch (NotAcquiredException $refusal) {
            self::assertSame('The lock of r could not be had within 0.5 s.', $refusal->getMessage());
            self::assertSame('r', $refusal->resource);
        }
        self::assertSame(['lock.Lock'], \array_column($rpc->calls, 0));
    }

    private static function broken(string $text = 'broken'): string
    {
        return $text === '' ? $text : throw new \DomainException($text);
    }

    /** @return array{Lock, ScriptedRpc} */
    private static function answering(bool $ok): array
    {
        $rpc = new ScriptedRpc(static fn() => ['ok' => $ok]);

        return [new Lock($rpc), $rpc];
    }
}
