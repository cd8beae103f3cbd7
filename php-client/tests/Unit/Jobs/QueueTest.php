<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Jobs;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\RpcException;
use Rrts\Exception\RpcTimeoutException;
use Rrts\Exception\TransportException;
use Rrts\Jobs\NewJob;
use Rrts\Jobs\Queue;
use Rrts\Jobs\QueueException;
use Rrts\Jobs\QueueFullException;
use Rrts\Jobs\UnknownPipelineException;
use Rrts\Tests\Stub\ScriptedRpc;

final class QueueTest extends TestCase
{
    public function testAStringIsPushedAsItIs(): void
    {
        $rpc = self::answering('id-1');
        self::assertSame('id-1', Queue::to('emails', $rpc)->push('App\SendMail', "\xff\0"));
        self::assertSame([['jobs.Send', ['pipeline' => 'emails', 'jobs' => [['job' => 'App\SendMail', 'payload' => "\xff\0"]]]]], $rpc->calls);
    }

    public function testAllElseIsJson(): void
    {
        $rpc = self::answering('1');
        $queue = Queue::to('emails', $rpc);
        $queue->push('a', ['to' => "caf\u{e9}/", 'rate' => 1.0]);
        $queue->push('a', new \stdClass());
        $queue->push('a', new class implements \JsonSerializable {
            public function jsonSerialize(): mixed
            {
                return [1];
            }
        });
        $queue->push('a', [], headers: ['content-type' => 'application/vnd.mine+json']);
        $jobs = self::jobs($rpc);
        self::assertSame(["{\"to\":\"caf\u{e9}/\",\"rate\":1.0}", '{}', '[1]', '[]'], \array_column($jobs, 'payload'));
        self::assertSame([['content-type' => ['application/json']], ['content-type' => ['application/vnd.mine+json']]], [$jobs[0]['headers'], $jobs[3]['headers']]);
    }

    public function testAllThatAPushCanSay(): void
    {
        $rpc = self::answering(null);
        self::assertNull(Queue::to('emails', $rpc)->push('a', 'x', delay: 1.0005, priority: 0, timeout: 30, maxAttempts: 5, unique: 'key', headers: ['lang' => 'de']), 'a duplicate');
        self::assertEquals([['job' => 'a', 'payload' => 'x', 'priority' => 0, 'timeout' => 30_000, 'max_attempts' => 5, 'unique' => 'key', 'headers' => ['lang' => ['de']], 'delay' => 1001]], self::jobs($rpc));
    }

    public function testABuilderIsNeverChanged(): void
    {
        $job = NewJob::of('a');
        $job->withHeader('b', 'c')->delayed(1.0)->priority(1)->timeout(1)->maxAttempts(1)->unique('u')->id('i')->then(NewJob::of('d'));
        self::assertSame(['job' => 'a', 'payload' => ''], $job->toArray());
    }

    public function testWhatIsSaidLastCounts(): void
    {
        $job = NewJob::of('a')->priority(1)->priority(2)->withHeader('b', 'c')->withHeader('b', ['d', 'e'])->delayed(5.0)->delayed(0.0)->id('x');
        self::assertEquals(['job' => 'a', 'payload' => '', 'priority' => 2, 'headers' => ['b' => ['d', 'e']], 'id' => 'x'], $job->toArray());
    }

    public function testAPointInTimeIsADelayFromThePush(): void
    {
        $array = NewJob::of('a')->delayed(new \DateTimeImmutable('+10 seconds'))->toArray();
        self::assertIsInt($array['delay']);
        self::assertEqualsWithDelta(10_000, $array['delay'], 500);
        self::assertArrayNotHasKey('delay', NewJob::of('a')->delayed(new \DateTimeImmutable('-1 day'))->toArray());
    }

    public function testJobsThatFollow(): void
    {
        $job = NewJob::of('a')->then(NewJob::of('b', 'B')->delayed(1.0)->then(NewJob::of('c')->id('C'), 'third'), 'second')->then(NewJob::of('d')->priority(3));
        self::assertEquals(['job' => 'a', 'payload' => '', 'chain' => [
            ['pipeline' => 'second', 'job' => 'b', 'payload' => 'B', 'delay' => 1000],
            ['pipeline' => 'third', 'job' => 'c', 'payload' => '', 'id' => 'C'],
            ['job' => 'd', 'payload' => '', 'priority' => 3],
        ]], $job->toArray());
    }

    public function testSeveralGoInOneCall(): void
    {
        $rpc = self::answering('1', null, '3');
        self::assertSame(['1', null, '3'], Queue::to('emails', $rpc)->send(NewJob::of('a'), NewJob::of('b'), NewJob::of('c')));
        self::assertCount(1, $rpc->calls);
        self::assertSame([], Queue::to('emails', $rpc)->send());
        self::assertCount(1, $rpc->calls);
    }

    /** @return iterable<string, array{\Closure(): mixed, string}> */
    public static function misuse(): iterable
    {
        $job = NewJob::of('a');
        yield 'no name' => [static fn() => NewJob::of(''), 'A job must have a name.'];
        yield 'no header name' => [static fn() => $job->withHeader('', 'x'), 'A header must have a name'];
        yield 'a number as header name' => [static fn() => $job->withHeader('7', 'x'), 'that is no number, not "7"'];
        yield 'a negative delay' => [static fn() => $job->delayed(-1.0), 'The delay of the job a is -1 seconds.'];
        yield 'an endless delay' => [static fn() => $job->delayed(\INF), 'The delay of the job a is INF seconds.'];
        yield 'no time' => [static fn() => $job->timeout(0.0), 'The timeout of the job a is 0 seconds.'];
        yield 'no number' => [static fn() => $job->timeout(\NAN), 'The timeout of the job a is NAN seconds.'];
        yield 'no attempt' => [static fn() => $job->maxAttempts(0), 'must have at least one attempt, not 0'];
        yield 'no key' => [static fn() => $job->unique(''), 'The unique key of the job a is empty.'];
        yield 'no id' => [static fn() => $job->id(''), 'The id of the job a is empty.'];
        yield 'a unique one that follows' => [static fn() => $job->then(NewJob::of('b')->unique('k')), 'The job b follows the job a, so it cannot be unique.'];
        yield 'no JSON' => [static fn() => NewJob::json('a', "\xff"), 'The payload of the job a cannot be written as JSON: Malformed UTF-8'];
        yield 'endless JSON' => [static fn() => Queue::to('emails', self::answering('1'))->push('a', ['b' => \INF]), 'Inf and NaN'];
    }

    /** @param \Closure(): mixed $build */
    #[DataProvider('misuse')]
    public function testMisuseIsAnErrorBeforeAnythingIsSent(\Closure $build, string $message): void
    {
        try {
            $build();
            self::fail('It was taken.');
        } catch (QueueException $refusal) {
            self::assertSame('ERR_JOBS_INVALID', $refusal->errorCode);
            self::assertStringContainsString($message, $refusal->getMessage());
        }
    }

    /** @return iterable<string, array{string, class-string<QueueException>}> */
    public static function refusals(): iterable
    {
        yield 'no such pipeline' => ['ERR_JOBS_PIPELINE', UnknownPipelineException::class];
        yield 'full' => ['ERR_JOBS_FULL', QueueFullException::class];
        yield 'too large' => ['ERR_JOBS_TOO_LARGE', QueueException::class];
        yield 'the store' => ['ERR_JOBS_STORE', QueueException::class];
        yield 'an older server' => ['ERR_RPC_METHOD', QueueException::class];
    }

    /** @param class-string<QueueException> $class */
    #[DataProvider('refusals')]
    public function testARefusalOfTheServer(string $code, string $class): void
    {
        $refusal = new RpcException('because', $code, 'jobs.Send');
        try {
            Queue::to('emails', new ScriptedRpc(static fn() => throw $refusal))->push('a');
            self::fail('It was taken.');
        } catch (QueueException $failure) {
            self::assertSame($class, $failure::class);
            self::assertSame(['because', $code, $refusal], [$failure->getMessage(), $failure->errorCode, $failure->getPrevious()]);
        }
    }

    public function testNoAnswerInTimeIsAFailureOfTheQueue(): void
    {
        $this->expectException(QueueException::class);
        Queue::to('emails', new ScriptedRpc(static fn() => throw new RpcTimeoutException('late', 'ERR_RPC_TIMEOUT', 'jobs.Send')))->push('a');
    }

    public function testAServerThatHasGoneEndsTheWorker(): void
    {
        $this->expectException(TransportException::class);
        Queue::to('emails', new ScriptedRpc(static fn() => throw new TransportException('gone')))->push('a');
    }

    public function testAnAnswerWithoutIdsIsNone(): void
    {
        foreach ([null, true, [], ['ids' => []], ['ids' => ['1', '2']]] as $answer) {
            try {
                Queue::to('emails', new ScriptedRpc(static fn() => $answer))->push('a');
                self::fail('It was taken.');
            } catch (QueueException $failure) {
                self::assertStringContainsString('has no ids', $failure->getMessage());
            }
        }
    }

    private static function answering(?string ...$ids): ScriptedRpc
    {
        return new ScriptedRpc(static fn() => ['ids' => \array_values($ids)]);
    }

    /** @return list<array<string, mixed>> all that were sent */
    private static function jobs(ScriptedRpc $rpc): array
    {
        /** @var list<array{jobs: list<array<string, mixed>>}> $arguments */
        $arguments = \array_column($rpc->calls, 1);

        return \array_merge(...\array_column($arguments, 'jobs'));
    }
}
