<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Jobs;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Rrts\Jobs\Job;
use Rrts\Jobs\QueueException;
use Rrts\Jobs\UnrecoverableException;
use Rrts\Tests\Stub\RecordingRpc;

final class JobTest extends TestCase
{
    public function testATestOfAHandlerNeedsLittle(): void
    {
        $job = new Job('1', 'App\SendMail', '{"to":"a@example.org","count":1}', ['lang' => ['de', 'en']]);
        self::assertSame(['to' => 'a@example.org', 'count' => 1], $job->json());
        self::assertSame('de', $job->header('lang'));
        self::assertNull($job->header('Lang'));
        $job->progress(50);
        self::assertFalse($job->isSettled());
        self::assertSame([], $job->settlement());
    }

    public function testAPayloadThatIsNoJsonNeverWillBe(): void
    {
        $this->expectException(UnrecoverableException::class);
        $this->expectExceptionMessage('The payload of the job App\SendMail is no JSON: ');
        (new Job('1', 'App\SendMail', '{'))->json();
    }

    public function testItIsSettledOnce(): void
    {
        $job = new Job('1', 'a');
        $job->fail('no');
        self::assertTrue($job->isSettled());
        self::assertSame(['result' => 'failed', 'message' => 'no'], $job->settlement());
        $this->expectException(\LogicException::class);
        $this->expectExceptionMessage('The job a is settled already: "failed".');
        $job->requeue();
    }

    public function testAJobThatIsHandedBackIsSettled(): void
    {
        $job = new Job('1', 'a');
        self::assertFalse($job->isHandedBack());
        $job->handBack();
        self::assertSame([true, true], [$job->isHandedBack(), $job->isSettled()]);
        $this->expectException(\LogicException::class);
        $this->expectExceptionMessage('The job a is settled already: "handed back".');
        $job->fail('no');
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
        $job = new Job('1', 'a');
        foreach ([static fn() => $job->requeue($seconds), static fn() => $job->fail('no', delay: $seconds)] as $settle) {
            try {
                $settle();
                self::fail('The time was taken.');
            } catch (\InvalidArgumentException $refusal) {
                self::assertStringContainsString('must be a number of seconds', $refusal->getMessage());
            }
        }
        self::assertFalse($job->isSettled());
    }

    public function testAFailureMayTellTheNextAttemptSomething(): void
    {
        $job = new Job('1', 'a');
        $job->fail('no', delay: 0.5, headers: ['done' => ['x', 'y']]);
        self::assertSame(['result' => 'failed', 'message' => 'no', 'delay' => 500, 'headers' => ['done' => ['x', 'y']]], $job->settlement());
    }

    public function testAHeaderNeedsAName(): void
    {
        $this->expectException(QueueException::class);
        (new Job('1', 'a'))->requeue(headers: ['' => 'x']);
    }

    #[TestWith([-5.0, 0.0])]
    #[TestWith([12.5, 12.5])]
    #[TestWith([100.01, 100.0])]
    #[TestWith([\NAN, 0.0])]
    public function testPercentAreAtMostAHundred(float $told, float $sent): void
    {
        $rpc = new RecordingRpc();
        (new Job('1', 'a', pipeline: 'emails', rpc: $rpc))->progress($told);
        self::assertSame([['jobs.Progress', ['id' => '1', 'pipeline' => 'emails', 'percent' => $sent]]], $rpc->calls);
    }

    public function testProgressOnceInAWhile(): void
    {
        $rpc = new RecordingRpc();
        $job = new Job('1', 'a', rpc: $rpc);
        $job->progress(1);
        $job->progress(2);
        self::assertCount(1, $rpc->calls);
        $end = \hrtime(true) + 110_000_000;
        while (\hrtime(true) < $end) {
            \usleep(1000);
        }
        $job->progress(1);
        self::assertCount(1, $rpc->calls, 'nothing new');
        $job->progress(3);
        self::assertCount(2, $rpc->calls);
    }
}
