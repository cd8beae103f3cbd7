<?php

declare(strict_types=1);

namespace Rrts\Tests\Worker;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Tests\Stub\Master;

/** A real worker process with lean requests, once with MessagePack heads and once with JSON heads. */
final class HttpWorkerTest extends TestCase
{
    private const SCRIPT = __DIR__ . '/fixtures/lean.php';

    /** @return iterable<string, array{list<string>}> */
    public static function phpOptions(): iterable
    {
        yield 'with ext-msgpack' => [['-d', 'msgpack.php_only=0']];
        yield 'without any extension' => [['-n']];
    }

    /** @param list<string> $options */
    #[DataProvider('phpOptions')]
    public function testSaysHelloAnswersAndEnds(array $options): void
    {
        $master = new Master(self::SCRIPT, options: $options);

        self::assertSame(1, $master->hello()->number('hello'));
        self::assertSame($options === ['-n'] ? ['json'] : ['msgpack', 'json'], $master->hello()->texts('codecs'));
        self::assertSame(['stream', 'early-hints', 'prefetch', 'rpc'], $master->hello()->texts('features'));
        $reply = $master->request('GET', '/hello');
        self::assertSame([200, 'Hello', false], [$reply->status, $reply->body(), $reply->isStreamed]);
        self::assertSame('<p>page</p>', $master->request('GET', '/string')->body());
        self::assertSame(404, $master->request('GET', '/other')->status);
        self::assertSame(0, $master->stop());
        self::assertStringContainsString('left the loop', $master->log());
    }

    public function testAJobFailsWithTheReasonAndTheWorkerLives(): void
    {
        $master = new Master(self::SCRIPT);
        $reason = 'This worker answers requests, and the server gave it a job: jobs.pool.command must name the script that runs jobs.';
        self::assertSame([$reason, $reason], [$master->job('App\SendMail'), $master->job('App\SendMail', 'x')]);
        self::assertSame('Hello', $master->request('GET', '/hello')->body());
        self::assertSame(0, $master->stop());
    }

    /** @param list<string> $options */
    #[DataProvider('phpOptions')]
    public function testEveryByteOfHeadersAndBodiesPasses(array $options): void
    {
        $master = new Master(self::SCRIPT, options: $options);
        $bytes = \implode('', \array_map(\chr(...), \range(0, 255)));
        $reply = $master->request('GET', '/header', ['headers' => ['x-bytes', $bytes, 'x-bytes', "caf\u{e9}"]]);

        self::assertSame($bytes . "|caf\u{e9}", $reply->header('x-back'));
        self::assertSame('a|b', $reply->header('x-many'));
        self::assertSame('5', $reply->header('x-number'));
        self::assertSame('numeric name', $reply->header('123'));
        self::assertSame(\str_repeat($bytes, 1000), $master->request('POST', '/large', [], $bytes)->body());
    }

    /** @param list<string> $options */
    #[DataProvider('phpOptions')]
    public function testRequestsHaveTheShapesOfPhp(array $options): void
    {
        $master = new Master(self::SCRIPT, options: $options);
        $reply = $master->request('POST', '/inspect?a[]=1&a[]=2&b.c=3&d[x][y]=4', [
            'headers' => ['cookie', 'a=1; b=%C3%A9; a=2', 'content-type', 'multipart/form-data; boundary=x'],
            'form' => true,
            'uploads' => [['f[]', 'C:\\tmp\\one.txt', 'text/plain', 3, 0, '/tmp/one'], ['f[]', 'two.txt', 'text/plain', 0, 1, ''], ['bad[', 'x', 'y', 1, 0, '/tmp/x']],
            'attributes' => ['trace' => 'abc'],
            'attempt' => 2,
        ], 'x=1&y[z]=0');

        self::assertSame([
            'method' => 'POST', 'uri' => 'http://localhost:8080/inspect?a[]=1&a[]=2&b.c=3&d[x][y]=4', 'path' => '/inspect',
            'query' => ['a' => ['1', '2'], 'b_c' => '3', 'd' => ['x' => ['y' => '4']]],
            'form' => ['x' => '1', 'y' => ['z' => '0']], 'cookies' => ['a' => '1', 'b' => "\u{e9}"], 'body' => '',
            'files' => ['f' => [['one.txt', 'C:\\tmp\\one.txt', 'text/plain', 3, 0], ['two.txt', 'two.txt', 'text/plain', 0, 1]]],
            'address' => '127.0.0.1', 'protocol' => '1.1', 'attempt' => 2, 'attributes' => ['trace' => 'abc'],
        ], \json_decode($reply->body(), true));
    }

    #[TestWith(['tcp://127.0.0.1:0'])]
    #[TestWith(['unix://'])]
    public function testSocketRelaysCarryTheSame(string $relay): void
    {
        $path = \sys_get_temp_dir() . '/rrts-' . \bin2hex(\random_bytes(8)) . '.sock';
        $master = new Master(self::SCRIPT, relay: $relay === 'unix://' ? $relay . $path : $relay);

        self::assertSame('Hello', $master->request('GET', '/hello')->body());
        self::assertSame(\str_repeat('x', 2_000_000), $master->request('POST', '/large', [], \str_repeat('x', 2000))->body());
        self::assertSame(['one', '0', 'three'], $master->request('GET', '/generator')->chunks);
        self::assertSame(0, $master->stop());
        @\unlink($path);
    }

    public function testTheBodyZeroIsABody(): void
    {
        $master = new Master(self::SCRIPT);

        self::assertSame('0', $master->request('POST', '/zero', [], '0')->body());
    }

    public function testWhatUserCodePrintsGoesToTheLogAlone(): void
    {
        $master = new Master(self::SCRIPT);
        foreach (['/echo', '/closes-buffers', '/echo', '/closes-streams', '/hello'] as $path) {
            $reply = $master->request('GET', $path);
            self::assertSame([200, $path === '/hello' ? 'Hello' : 'clean'], [$reply->status, $reply->body()], $path);
        }
        self::assertSame(0, $master->stop());
        foreach (['printed before the hello', 'echoed', '[printed] => 1', '"dumped"', 'left in a buffer', 'written to stdout', 'after fclose'] as $printed) {
            self::assertStringContainsString($printed, $master->log());
        }
    }

    public function testAnUncaughtExceptionIsAnErrorFrameOfOneLineAndATraceInTheLog(): void
    {
        $master = new Master(self::SCRIPT);
        $reply = $master->request('GET', '/throws');

        self::assertMatchesRegularExpression('~^DomainException: <b>went wrong</b> at \S+/lean\.php:\d+$~', (string) $reply->error);
        self::assertStringStartsWith('DivisionByZeroError: ', (string) $master->request('GET', '/error')->error);
        self::assertStringContainsString('The handler returned int', (string) $master->request('GET', '/returns-nonsense')->error);
        self::assertSame('Hello', $master->request('GET', '/hello')->body());
        $log = $master->waitForLog('#0');
        self::assertStringContainsString('Uncaught exception in GET /throws: DomainException: <b>went wrong</b> at ', $log);
    }

    public function testInDebugModeTheExceptionIsAPage(): void
    {
        $master = new Master(self::SCRIPT, debug: true);
        $page = $master->request('GET', '/throws', ['headers' => ['accept', 'text/html,*/*']]);
        $text = $master->request('GET', '/throws', ['headers' => ['accept', 'application/json']]);

        self::assertSame([500, 'text/html; charset=UTF-8'], [$page->status, $page->header('content-type')]);
        self::assertStringContainsString('&lt;b&gt;went wrong&lt;/b&gt;', $page->body());
        self::assertStringNotContainsString('<b>', $page->body());
        self::assertSame([500, 'text/plain; charset=UTF-8'], [$text->status, $text->header('content-type')]);
        self::assertStringContainsString('<b>went wrong</b>', $text->body());
    }

    public function testStreamsPieceByPiece(): void
    {
        $master = new Master(self::SCRIPT);
        $generator = $master->request('GET', '/generator');

        self::assertSame(['one', '0', 'three'], $generator->chunks);
        self::assertSame('text/plain', $generator->header('content-type'));
        self::assertSame(['one', 'two'], $master->request('GET', '/list')->chunks);
        self::assertSame(['one', 'two'], $master->request('GET', '/closure')->chunks);
        $nothing = $master->request('GET', '/nothing');
        self::assertSame([204, [], false], [$nothing->status, $nothing->chunks, $nothing->isStreamed]);
    }

    public function testAStreamThatFailsEndsWithAnErrorFrame(): void
    {
        $master = new Master(self::SCRIPT, debug: true);
        $reply = $master->request('GET', '/failing-stream');

        self::assertSame(['first'], $reply->chunks);
        self::assertStringStartsWith('DomainException: failed half-way', (string) $reply->error);
        self::assertSame('Hello', $master->request('GET', '/hello')->body());
    }

    public function testAStreamWhoseClientHasGoneIsCleanedUpAndTheWorkerStays(): void
    {
        $master = new Master(self::SCRIPT);
        foreach (['/endless' => 'generator cleaned up', '/endless-closure' => 'closure cleaned up'] as $path => $expected) {
            $master->begin('GET', $path);
            self::assertSame(Frame::STREAM, $master->receive()->stream);
            $master->sendStreamStop();
            self::assertTrue($master->reply()->error === null);
            self::assertStringContainsString($expected, $master->waitForLog($expected));
            self::assertSame('Hello', $master->request('GET', '/hello')->body());
        }
        self::assertStringContainsString('generator was told', $master->log());
    }

    public function testAStreamStopThatComesTooLateIsForgotten(): void
    {
        $master = new Master(self::SCRIPT);
        $master->sendStreamStop();
        $master->send(FrameCodec::encode(new Frame(0, stream: Frame::PONG)));

        self::assertSame(['one', '0', 'three'], $master->request('GET', '/generator')->chunks);
    }

    public function testAnOrderToEndDuringAStreamWaitsForItsEnd(): void
    {
        $master = new Master(self::SCRIPT);
        $master->begin('GET', '/endless');
        $master->receive();
        $master->send(\Rrts\Protocol\ControlMessage::stop()->toFrame());
        $master->sendStreamStop();
        $master->reply();

        self::assertSame(0, $master->waitForExit());
        self::assertStringContainsString('left the loop', $master->log());
    }

    public function testInformationalResponsesComeFirst(): void
    {
        $reply = (new Master(self::SCRIPT))->request('GET', '/hints');

        self::assertSame([[103, ['link', '</a.css>; rel=preload', 'link', '</b.css>; rel=preload']]], $reply->informational);
        self::assertSame([200, 'after'], [$reply->status, $reply->body()]);
    }

    public function testExitDuringARequestSendsNothing(): void
    {
        $master = new Master(self::SCRIPT);
        $master->begin('GET', '/exit');

        self::assertNull($master->tryReceive());
        self::assertSame(0, $master->waitForExit());
        self::assertStringContainsString('left', $master->log());
    }

    public function testExitDuringAStreamSendsNoEndOfIt(): void
    {
        $master = new Master(self::SCRIPT);
        $master->begin('GET', '/exit-in-stream');

        self::assertSame(Frame::STREAM, $master->receive()->stream);
        self::assertNull($master->tryReceive());
        self::assertSame(3, $master->waitForExit());
    }

    public function testAWorkerWhoseMasterDiesEnds(): void
    {
        self::assertSame(0, (new Master(self::SCRIPT))->hangUp());
    }

    public function testBytesThatAreNoFrameEndTheWorkerWithAMessage(): void
    {
        $master = new Master(self::SCRIPT);
        $master->send('GET / HTTP/1.1');

        self::assertSame(255, $master->waitForExit());
        self::assertStringContainsString('Not a frame: version 4', $master->log());
    }

    public function testCollectsGarbageAfterAnswers(): void
    {
        $master = new Master(self::SCRIPT);
        $collected = 0;
        for ($i = 0; $i < 40; $i++) {
            $collected = (int) $master->request('GET', '/garbage')->body();
        }

        self::assertGreaterThan(0, $collected);
    }

    public function testStartedByHandItSaysWhatToRun(): void
    {
        // @phpstan-ignore argument.type (its signature does not know redirect)
        $process = \proc_open([\PHP_BINARY, self::SCRIPT], [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes, null, ['RRTS_RELAY' => '']);
        self::assertNotFalse($process);
        $output = (string) \stream_get_contents($pipes[1]);

        self::assertSame(255, \proc_close($process));
        self::assertStringContainsString('rrts serve', $output);
    }
}
