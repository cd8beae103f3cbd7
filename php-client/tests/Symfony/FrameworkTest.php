<?php

declare(strict_types=1);

namespace Rrts\Tests\Symfony;

use Rrts\Protocol\Frame;
use Rrts\Tests\Stub\Master;

/** A whole Symfony 6.4 application under the Runtime. */
final class FrameworkTest extends SymfonyTestCase
{
    private const SCRIPT = 'symfony-6.4/public/index.php';

    public function testRequestsArriveWhole(): void
    {
        $seen = self::json($this->start(self::SCRIPT)->request('POST', '/echoRequest?a[b]=1', [
            'uri' => 'https://example.org:8443/echoRequest?a[b]=1',
            'remote_addr' => '192.0.2.7',
            'protocol' => '2',
            'headers' => ['host', 'example.org:8443', 'cookie', 'c=%20d', 'content-type', 'application/x-www-form-urlencoded', 'authorization', 'Basic ' . \base64_encode('ann:secret')],
            'form' => true,
        ], 'x[]=1&x[]=2'));
        $globals = $seen['globals'];
        unset($seen['globals']);

        self::assertSame([
            'method' => 'POST', 'uri' => 'https://example.org:8443/echoRequest?a%5Bb%5D=1', 'path' => '/echoRequest', 'base' => '', 'query' => ['a' => ['b' => '1']],
            'form' => ['x' => ['1', '2']], 'cookies' => ['c' => ' d'], 'content' => 'x[]=1&x[]=2', 'ip' => '192.0.2.7', 'secure' => true,
            'type' => 'application/x-www-form-urlencoded', 'user' => 'ann', 'argv' => false, 'protocol' => 'HTTP/2.0', 'mode' => 'web=1&worker=1',
        ], $seen);
        self::assertSame([['a' => ['b' => '1']], ['x' => ['1', '2']], ['c' => ' d'], '/echoRequest?a[b]=1'], $globals);
    }

    public function testTheFrontControllersNameInTheUrlIsTheBase(): void
    {
        $seen = self::json($this->start(self::SCRIPT)->request('GET', '/index.php/echoRequest'));

        self::assertSame(['/index.php', '/echoRequest'], [$seen['base'], $seen['path']]);
    }

    public function testUploadsCanBeMoved(): void
    {
        \file_put_contents($this->folder . '/temporary', 'content');
        $result = self::json($this->start(self::SCRIPT)->request('POST', '/upload', [
            'headers' => ['content-type', 'multipart/form-data; boundary=x'],
            'form' => true,
            'uploads' => [
                ['a[b][]', 'dir\\one.txt', 'text/plain', 7, \UPLOAD_ERR_OK, $this->folder . '/temporary'],
                ['large', 'two.txt', 'text/plain', 0, \UPLOAD_ERR_INI_SIZE, ''],
                ['empty', '', '', 0, \UPLOAD_ERR_NO_FILE, ''],
            ],
        ], 'x=1'));

        self::assertSame([['one.txt', 'text/plain', 0, 7], ['two.txt', 'text/plain', \UPLOAD_ERR_INI_SIZE, null]], $result['files']);
        self::assertSame(['a', 'large'], $result['keys']);
        self::assertSame(['x' => '1'], $result['form']);
        self::assertSame('content', \file_get_contents($this->folder . '/moved-one.txt'));
    }

    public function testASessionLivesInItsCookieAndNowhereElse(): void
    {
        $master = $this->start(self::SCRIPT);
        $first = $master->request('GET', '/session');
        $cookie = self::cookie($first);
        $again = $master->request('GET', '/session', ['headers' => ['cookie', $cookie]]);
        $other = $master->request('GET', '/session');

        self::assertStringStartsWith('PHPSESSID=', $cookie);
        self::assertSame(1, self::json($first)['visits']);
        self::assertSame(2, self::json($again)['visits']);
        self::assertSame('', $again->header('set-cookie'));
        self::assertSame(1, self::json($other)['visits']);
        self::assertNotSame($cookie, self::cookie($other));
        self::assertSame(['id' => '', 'data' => []], self::json($master->request('GET', '/noSession')));
        self::assertSame(3, self::json($this->start(self::SCRIPT)->request('GET', '/session', ['headers' => ['cookie', $cookie]]))['visits']);
    }

    public function testAnInvalidSessionCookieGetsANewSession(): void
    {
        $master = $this->start(self::SCRIPT);
        foreach (['PHPSESSID=../../etc/passwd', 'PHPSESSID=', 'PHPSESSID=%00', 'PHPSESSID[]=x', 'PHPSESSID=' . \str_repeat('a', 32)] as $cookie) {
            $reply = $master->request('GET', '/session', ['headers' => ['cookie', $cookie]]);

            self::assertContains($reply->status, $cookie === 'PHPSESSID[]=x' ? [200, 400] : [200], $cookie . $master->log());
            self::assertNotSame($cookie, self::cookie($reply));
        }
    }

    public function testASessionOfAFailedRequestDoesNotReachTheNext(): void
    {
        $master = $this->start(self::SCRIPT);

        self::assertSame(500, $master->request('GET', '/sessionFails')->status);
        self::assertSame(['id' => '', 'data' => []], self::json($master->request('GET', '/noSession')));
    }

    public function testStreamedResponsesGoOutAsTheyArePrinted(): void
    {
        $master = $this->start(self::SCRIPT);
        $reply = $master->request('GET', '/streamed');

        self::assertSame([201, ['one', 'two']], [$reply->status, $reply->chunks]);
        self::assertStringStartsWith('text/event-stream', $reply->header('content-type'));
        self::assertSame(['items' => [1, 2, 3]], self::json($master->request('GET', '/streamedJson')));
        self::assertSame('Hello', $master->request('GET', '/hello')->body());
    }

    public function testAStreamWhoseClientHasGoneIsCleanedUpAndTheWorkerStays(): void
    {
        $master = $this->start(self::SCRIPT);
        for ($round = 0; $round < 3; $round++) {
            $master->begin('GET', '/endless');
            self::assertSame(Frame::STREAM, $master->receive()->stream);
            $master->sendStreamStop();
            self::assertNull($master->reply()->error);
            self::assertSame('Hello', $master->request('GET', '/hello')->body());
        }
        self::assertStringContainsString('stream cleaned up', $master->waitForLog('stream cleaned up'));
        self::assertStringNotContainsString('xxx', $master->log());
    }

    public function testAStreamThatFailsBeforeItsFirstByteIsAnError(): void
    {
        $master = $this->start(self::SCRIPT);
        $reply = $master->request('GET', '/streamFails');

        self::assertStringStartsWith('DomainException: failed in the stream', (string) $reply->error);
        self::assertSame([], $reply->chunks);
        self::assertSame('Hello', $master->request('GET', '/hello')->body());
        self::assertStringNotContainsString('never sent', $master->log());
    }

    public function testAFileIsStreamedWithItsLength(): void
    {
        $content = \random_bytes(300_000);
        \file_put_contents($this->folder . '/big.bin', $content);
        $master = $this->start(self::SCRIPT);
        $whole = $master->request('GET', '/file');
        $part = $master->request('GET', '/file', ['headers' => ['range', 'bytes=100-199']]);

        self::assertTrue($whole->isStreamed);
        self::assertSame(['300000', true], [$whole->header('content-length'), $whole->body() === $content]);
        self::assertSame([206, \substr($content, 100, 100)], [$part->status, $part->body()]);
        self::assertSame('', $master->request('HEAD', '/file')->body());
    }

    public function testServicesAreResetBetweenRequests(): void
    {
        $master = $this->start(self::SCRIPT);

        self::assertSame(['1', '1'], [$master->request('GET', '/counter')->body(), $master->request('GET', '/counter')->body()]);
    }

    public function testTheHttpCacheServesEveryRequestNotOnlyTheFirst(): void
    {
        $master = $this->start(self::SCRIPT, env: 'cached');
        $bodies = [];
        for ($i = 0; $i < 3; $i++) {
            $reply = $master->request('GET', '/cacheable');
            $bodies[] = $reply->body();
        }

        self::assertSame(16, \strlen($bodies[0]));
        self::assertSame([$bodies[0], $bodies[0], $bodies[0]], $bodies);
        self::assertNotSame('', $reply->header('age'));
        self::assertSame(['1', '1'], [$master->request('GET', '/counter')->body(), $master->request('GET', '/counter')->body()]);
    }

    public function testTerminateRunsAfterTheAnswer(): void
    {
        $gate = $this->folder . '/gate';
        \posix_mkfifo($gate, 0o600);
        $master = $this->start(self::SCRIPT);
        // terminate waits at the gate, so an answer that needed it would never come.
        self::assertSame('Hello', $master->request('GET', '/hello?gate=' . \rawurlencode($gate))->body());
        \file_put_contents($gate, 'open');

        self::assertStringContainsString('terminated /hello', $master->waitForLog('terminated /hello'));
    }

    public function testAnExceptionInTerminateIsLoggedAndNoMore(): void
    {
        $master = $this->start(self::SCRIPT);

        self::assertSame('Hello', $master->request('GET', '/hello?fail-terminate')->body());
        self::assertSame('Hello', $master->request('GET', '/hello')->body());
        self::assertStringContainsString('terminate went wrong', $master->waitForLog('terminate went wrong'));
    }

    public function testExceptionsAreErrorPagesInHtmlThatTellNothingInProduction(): void
    {
        $master = $this->start(self::SCRIPT);
        $reply = $master->request('GET', '/fails');

        self::assertSame(500, $reply->status);
        self::assertStringStartsWith('text/html', $reply->header('content-type'));
        self::assertStringNotContainsString('went wrong', $reply->body());
        self::assertStringContainsString('went wrong', $master->waitForLog('went wrong'));
    }

    public function testInDevelopmentTheErrorPageTellsEverything(): void
    {
        $reply = $this->start(self::SCRIPT, env: 'dev')->request('GET', '/fails');

        self::assertSame(500, $reply->status);
        self::assertStringContainsString('&lt;b&gt;went wrong&lt;/b&gt;', $reply->body());
    }

    public function testCookiesAndHeaderBytesPassUnchanged(): void
    {
        $reply = $this->start(self::SCRIPT)->request('GET', '/cookies');

        self::assertSame('0', $reply->body());
        self::assertSame("caf\xE9", $reply->header('x-latin'));
        self::assertMatchesRegularExpression('~^a=1;.*\|b=2;~', $reply->header('set-cookie'));
    }

    public function testEarlyHints(): void
    {
        $reply = $this->start(self::SCRIPT)->request('GET', '/hints');

        self::assertSame([[103, ['Link', '</style.css>; rel=preload']]], $reply->informational);
        self::assertSame('after hints', $reply->body());
        self::assertSame('</style.css>; rel=preload', $reply->header('link'));
    }

    public function testWhatAControllerPrintsGoesToTheLog(): void
    {
        $master = $this->start(self::SCRIPT);

        self::assertSame('clean', $master->request('GET', '/prints')->body());
        self::assertStringContainsString('printed by a controller', $master->waitForLog('printed by a controller'));
        self::assertSame(1, self::json($master->request('GET', '/session'))['visits']);
    }

    public function testAKernelThatCannotBootIsAFailedBootNotAFailedRequest(): void
    {
        \file_put_contents($this->folder . '/cache', 'in the way of the folder');
        $environment = ['RRTS_TEST_CACHE' => $this->folder . '/cache'] + $this->environment();
        $master = new Master(self::path(self::SCRIPT), environment: $environment, handshake: false);

        self::assertNull($master->tryReceive());
        self::assertNotSame(0, $master->waitForExit());
        self::assertStringContainsString('Unable to create the "cache" directory', $master->log());
    }

    public function testMemoryDoesNotGrowWithRequests(): void
    {
        $master = $this->start(self::SCRIPT);
        $pid = $master->hello()->number('pid');
        $before = 0;
        for ($i = 0; $i < 600; $i++) {
            $master->request('GET', '/session');
            $before = $i === 300 ? self::residentKilobytes($pid) : $before;
        }

        self::assertLessThan(2048, self::residentKilobytes($pid) - $before);
        self::assertSame(0, $master->stop());
    }

    private static function residentKilobytes(int $pid): int
    {
        $status = (string) \file_get_contents("/proc/{$pid}/status");

        return (int) \preg_replace('/.*^VmRSS:\s+(\d+).*/ms', '$1', $status);
    }
}
