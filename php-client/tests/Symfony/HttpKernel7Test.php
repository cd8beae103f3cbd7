<?php

declare(strict_types=1);

namespace Rrts\Tests\Symfony;

use Rrts\Protocol\Frame;
use Rrts\Tests\Stub\Master;

/** HttpKernel 7.4 put together by hand, without the framework bundle. */
final class HttpKernel7Test extends SymfonyTestCase
{
    private const SCRIPT = 'http-kernel-7/public/index.php';

    public function testServes(): void
    {
        $master = $this->start(self::SCRIPT);

        self::assertStringStartsWith('Hello from 7.4.', $master->request('GET', '/hello')->body());
        self::assertSame(404, $master->request('GET', '/other')->status);
        self::assertSame(0, $master->stop());
    }

    public function testASessionLivesInItsCookieAndNowhereElse(): void
    {
        $master = $this->start(self::SCRIPT);
        $first = $master->request('GET', '/session');
        $cookie = self::cookie($first);

        self::assertStringStartsWith('SEVEN=', $cookie);
        self::assertSame(2, self::json($master->request('GET', '/session', ['headers' => ['cookie', $cookie]]))['visits']);
        $other = $master->request('GET', '/session');
        self::assertSame(1, self::json($other)['visits']);
        self::assertNotSame($cookie, self::cookie($other));
        self::assertSame(['id' => '', 'data' => []], self::json($master->request('GET', '/noSession')));
    }

    public function testStreamsFilesAndUploads(): void
    {
        \file_put_contents($this->folder . '/big.bin', \str_repeat('b', 100_000));
        \file_put_contents($this->folder . '/temporary', 'content');
        $master = $this->start(self::SCRIPT);
        $upload = $master->request('POST', '/upload', ['form' => true, 'uploads' => [['f', 'one.txt', 'text/plain', 7, 0, $this->folder . '/temporary']]]);

        self::assertSame(['one.txt', 7], self::json($upload));
        self::assertSame(['one', 'two'], $master->request('GET', '/streamed')->chunks);
        self::assertSame(\str_repeat('b', 100_000), $master->request('GET', '/file')->body());
    }

    public function testAnEndlessStreamEndsWhenTheClientHasGone(): void
    {
        $master = $this->start(self::SCRIPT);
        $master->begin('GET', '/endless');
        self::assertSame(Frame::STREAM, $master->receive()->stream);
        $master->sendStreamStop();
        $master->reply();

        self::assertSame(200, $master->request('GET', '/hello')->status);
    }

    public function testAnExceptionThatEscapesTheKernelIsAnErrorFrame(): void
    {
        $master = $this->start(self::SCRIPT);

        self::assertStringStartsWith('DomainException: escaped the kernel at ', (string) $master->request('GET', '/fails')->error);
        self::assertSame(200, $master->request('GET', '/hello')->status);
    }

    public function testInDebugModeItIsAPage(): void
    {
        $reply = $this->start(self::SCRIPT, debug: true)->request('GET', '/fails');

        self::assertSame(500, $reply->status);
        self::assertStringContainsString('escaped the kernel', $reply->body());
    }

    public function testAFrontControllerThatReturnsAResponse(): void
    {
        $master = $this->start('http-kernel-7/public/response.php');
        foreach ([1, 2] as $_) {
            $reply = $master->request('GET', '/');
            self::assertSame([203, 'always the same'], [$reply->status, $reply->body()]);
        }
    }

    public function testAMissingPsr17PackageIsOneClearMessage(): void
    {
        $master = new Master(self::path('http-kernel-7/public/psr15.php'), environment: $this->environment(), handshake: false);

        self::assertNull($master->tryReceive());
        self::assertNotSame(0, $master->waitForExit());
        self::assertStringContainsString('composer require nyholm/psr7', $master->log());
    }

    public function testOutsideRrtsItIsSymfonysOwnRuntime(): void
    {
        $process = \proc_open([\PHP_BINARY, self::path('http-kernel-7/public/response.php')], [1 => ['pipe', 'w']], $pipes, null, ['RRTS_RELAY' => ''] + $this->environment() + \getenv());
        self::assertNotFalse($process);

        self::assertSame('always the same', \stream_get_contents($pipes[1]));
        self::assertSame(0, \proc_close($process));
    }
}
