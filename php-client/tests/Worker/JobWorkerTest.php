<?php

declare(strict_types=1);

namespace Rrts\Tests\Worker;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Rrts\Tests\Stub\Master;

/** A real worker process that runs jobs, with MessagePack heads and with JSON heads. */
final class JobWorkerTest extends TestCase
{
    private const SCRIPT = __DIR__ . '/fixtures/jobs.php';

    /** @return iterable<string, array{list<string>}> */
    public static function phpOptions(): iterable
    {
        yield 'with ext-msgpack' => [['-d', 'msgpack.php_only=0']];
        yield 'without any extension' => [['-n']];
    }

    /** @param list<string> $options */
    #[DataProvider('phpOptions')]
    public function testAJobIsDoneWhenItsHandlerReturns(array $options): void
    {
        $master = self::start($options);
        self::assertSame([], $master->job('nothing'));
        self::assertSame([], $master->job('nothing', 'again'));
        self::assertSame(0, $master->stop());
        self::assertStringContainsString('left the loop', $master->log());
    }

    /** @param list<string> $options */
    #[DataProvider('phpOptions')]
    public function testTheHandlerGetsEverything(array $options): void
    {
        $master = self::start($options);
        $answer = $master->job('inspect', 'payload');
        self::assertIsArray($answer);
        self::assertIsString($answer['message']);
        self::assertSame(
            ['id-1', 'inspect', 'payload', ['x-a' => ['1', '2']], 'emails', 'memory', 'emails-queue', 2, 3, 1.5, 1_700_000_000.25, '1'],
            \json_decode($answer['message'], true),
        );
        $bare = $master->job('inspect', '', ['headers' => [], 'timeout' => 0, 'attempt' => 1]);
        self::assertIsArray($bare);
        self::assertIsString($bare['message']);
        self::assertSame([[], 1, 3, null], \array_values(\array_intersect_key((array) \json_decode($bare['message'], true), [3 => 1, 7 => 1, 8 => 1, 9 => 1])));
    }

    /** @return iterable<string, array{string, array<string, mixed>}> */
    public static function failures(): iterable
    {
        $file = \realpath(self::SCRIPT);
        yield 'an exception' => ['throws', ['class' => \DomainException::class, 'message' => "DomainException: caf\u{e9} in {$file}:"]];
        yield 'an error' => ['error', ['class' => \DivisionByZeroError::class, 'message' => 'DivisionByZeroError: Division by zero in ']];
        yield 'one that is unrecoverable' => ['never', ['class' => \Rrts\Jobs\UnrecoverableException::class, 'retry' => false]];
        yield 'one that says so itself' => ['never-again', ['class' => 'NeverAgain', 'retry' => false]];
        yield 'no JSON' => ['json', ['class' => \Rrts\Jobs\UnrecoverableException::class, 'retry' => false, 'message' => 'Rrts\Jobs\UnrecoverableException: The payload of the job json is no JSON: Syntax error in ']];
        yield 'no handler' => ['App\Gone', ['class' => \Rrts\Jobs\UnrecoverableException::class, 'retry' => false, 'message' => 'Rrts\Jobs\UnrecoverableException: No handler for the job App\Gone of the pipeline emails: this worker has handlers of: nothing, inspect, ']];
        yield 'said by the handler' => ['fail', ['message' => 'not today', 'delay' => 2500]];
        yield 'for good' => ['fail-for-good', ['class' => \RuntimeException::class, 'retry' => false, 'message' => 'RuntimeException: no in ']];
        yield 'a lost connection of its own' => ['lost-socket', ['class' => \Rrts\Exception\ConnectionException::class]];
    }

    /** @param array<string, mixed> $expected of message only its beginning */
    #[DataProvider('failures')]
    public function testAJobFails(string $name, array $expected): void
    {
        $master = self::start();
        $answer = $master->job($name, '{');
        self::assertIsArray($answer);
        self::assertSame('failed', $answer['result']);
        self::assertIsString($answer['message']);
        $expected += ['message' => $answer['message']];
        self::assertIsString($expected['message']);
        self::assertSame($expected['message'], \substr($answer['message'], 0, \strlen($expected['message'])));
        unset($expected['message'], $answer['message'], $answer['result']);
        // What the server takes for granted is not said.
        \ksort($expected);
        \ksort($answer);
        self::assertSame($expected, $answer);
        // The worker is well.
        self::assertSame([], $master->job('nothing'));
        self::assertSame(0, $master->stop());
    }

    public function testALongMessageIsCutBetweenTwoLetters(): void
    {
        $answer = self::start()->job('long');
        self::assertIsArray($answer);
        self::assertIsString($answer['message']);
        self::assertLessThanOrEqual(4100, \strlen($answer['message']));
        self::assertSame(1, \preg_match('//u', $answer['message']));
        self::assertStringEndsWith("\u{20ac} ...", $answer['message']);
    }

    public function testAJobIsPutBack(): void
    {
        self::assertSame(['result' => 'requeue', 'delay' => 1500, 'message' => 'later', 'headers' => ['x-a' => ['b'], 'x-c' => ['d', 'e']]], self::start()->job('requeue'));
    }

    public function testAWorkerThatHandsAJobBackEnds(): void
    {
        $master = self::start();
        self::assertSame([], $master->job('nothing'));
        $master->beginJob('hand-back');
        self::assertTrue($master->reply()->isStopWish);
        self::assertSame(0, $master->stop());
        self::assertStringContainsString('left the loop', $master->log());
    }

    public function testTheFirstSettlementCounts(): void
    {
        $master = self::start(debug: true);
        self::assertSame(['result' => 'requeue', 'delay' => 0], $master->job('twice'));
        self::assertStringContainsString('LogicException: The job twice is settled already: "requeue".', $master->waitForLog('settled already'));
    }

    public function testFailuresAreLoggedInDebugModeOnly(): void
    {
        $quiet = self::start();
        $quiet->job('throws');
        $quiet->stop();
        self::assertStringNotContainsString('DomainException', $quiet->log());
        $loud = self::start(debug: true);
        $loud->job('throws');
        self::assertStringContainsString("Job throws (id-1) of emails failed in attempt 2 of 3: DomainException: caf\u{e9} at ", $loud->waitForLog('#0'));
    }

    public function testWhatIsPrintedIsLogged(): void
    {
        $master = self::start();
        self::assertSame([], $master->job('echo'));
        self::assertStringContainsString("echoed by echo\n", $master->waitForLog('echoed'));
    }

    public function testProgressIsToldAtMostTenTimesInASecondAndAtTheEnd(): void
    {
        $master = self::start(handshake: false);
        $master->welcome(rpcMax: 1_000_000);
        $master->beginJob('progress');
        $told = [];
        foreach ([1, 2] as $call) {
            $call = $master->call();
            self::assertSame(['jobs.Progress', 0], [$call->method, $call->sequence]);
            $told[] = $call->argument;
        }
        self::assertSame([], $master->jobAnswer());
        self::assertSame([
            ['id' => 'id-1', 'pipeline' => 'emails', 'percent' => 1.0, 'message' => 'working'],
            ['id' => 'id-1', 'pipeline' => 'emails', 'percent' => 100.0, 'message' => 'working'],
        ], $told);
    }

    public function testProgressWithoutAWayToTellItIsNothing(): void
    {
        self::assertSame([], self::start()->job('progress'));
    }

    public function testAHandlerThatExitsEndsTheWorker(): void
    {
        $master = self::start();
        $master->beginJob('exit');
        self::assertNull($master->tryReceive());
        self::assertSame(0, $master->waitForExit());
    }

    public function testACallableGetsEveryJob(): void
    {
        $master = self::start(environment: ['RRTS_TEST_HANDLER' => 'callable']);
        self::assertSame([], $master->job('nothing'));
        self::assertIsArray($master->job('throws'));
        self::assertSame(0, $master->stop());
    }

    /** @return iterable<string, array{array<string, string>, string}> */
    public static function misuse(): iterable
    {
        yield 'a handler that cannot be called' => [['RRTS_TEST_HANDLER' => 'broken map'], 'The handler of the job App\SendMail cannot be called: it is "App\NoSuchFunction".'];
        yield 'no handler' => [['RRTS_TEST_HANDLER' => 'empty map'], 'There is no handler of any job'];
        yield 'a pool for requests' => [['RR_MODE' => 'http'], 'This worker runs jobs, and the server started it for http: its command belongs into jobs.pool.command.'];
    }

    /** @param array<string, string> $environment */
    #[DataProvider('misuse')]
    public function testAWrongSetUpIsAFailedBootWithAReason(array $environment, string $reason): void
    {
        $master = new Master(self::SCRIPT, environment: $environment + ['RR_MODE' => 'jobs'], handshake: false);
        self::assertNull($master->tryReceive());
        self::assertSame(255, $master->waitForExit());
        self::assertStringContainsString($reason, $master->log());
    }

    public function testSomethingThatIsNoJobEndsTheWorker(): void
    {
        $master = self::start();
        $master->begin('GET', '/');
        self::assertNull($master->tryReceive());
        self::assertSame(255, $master->waitForExit());
        self::assertStringContainsString('Not a job: its head has no text id.', $master->log());
    }

    /**
     * @param list<string> $options
     * @param array<string, string> $environment
     */
    private static function start(array $options = [], bool $debug = false, array $environment = [], bool $handshake = true): Master
    {
        return new Master(self::SCRIPT, $debug, $options, $environment + ['RR_MODE' => 'jobs'], $handshake);
    }
}
