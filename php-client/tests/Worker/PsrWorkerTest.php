<?php

declare(strict_types=1);

namespace Rrts\Tests\Worker;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Rrts\Protocol\Frame;
use Rrts\Tests\Stub\Master;
use Rrts\Tests\Stub\Reply;

/** A real worker process with a PSR-15 handler, once for each PSR-7 package. */
final class PsrWorkerTest extends TestCase
{
    private const SCRIPT = __DIR__ . '/fixtures/psr15.php';

    /** @return iterable<string, array{string, class-string}> */
    public static function packages(): iterable
    {
        yield 'found by itself' => ['', \Nyholm\Psr7\ServerRequest::class];
        yield 'guzzlehttp/psr7' => ['guzzle', \GuzzleHttp\Psr7\ServerRequest::class];
        yield 'slim/psr7' => ['slim', \Slim\Psr7\Request::class];
    }

    /** @param class-string $class */
    #[DataProvider('packages')]
    public function testTheRequestHasEverything(string $package, string $class): void
    {
        $upload = (string) \tempnam(\sys_get_temp_dir(), 'rrts');
        \file_put_contents($upload, 'content');
        $start = \microtime(true);
        $seen = self::json(self::master($package)->request('POST', '/inspect?a[b]=1&c=%20', [
            'protocol' => '2',
            'headers' => ['host', 'localhost:8080', 'cookie', 'a=1', 'cookie', 'b=2', 'content-type', 'multipart/form-data; boundary=x', 'x-two', '1', 'x-two', '2', 'content-length', '9', 'proxy', 'evil'],
            'form' => true,
            'uploads' => [['f[x]', 'one.txt', 'text/plain', 7, 0, $upload], ['g', '', '', 0, \UPLOAD_ERR_NO_FILE, '']],
            'attributes' => ['trace' => 'abc'],
        ], 'x[]=1&x[]=2'));
        \unlink($upload);
        $server = $seen['server'];
        self::assertIsArray($server);

        self::assertSame($class, $seen['class']);
        self::assertSame('2', $seen['protocol']);
        self::assertSame(['a' => ['b' => '1'], 'c' => ' '], $seen['query']);
        self::assertSame(['x' => ['1', '2']], $seen['form']);
        self::assertSame(['a' => '1', 'b' => '2'], $seen['cookies']);
        self::assertSame('abc', $seen['attribute']);
        self::assertSame('', $seen['body']);
        self::assertSame(['f' => ['x' => ['one.txt', 'text/plain', 7, 0, 'content']], 'g' => ['', '', 0, \UPLOAD_ERR_NO_FILE, null]], $seen['files']);
        self::assertGreaterThanOrEqual($start, $server['REQUEST_TIME_FLOAT']);
        self::assertLessThan($start + 60, $server['REQUEST_TIME_FLOAT']);
        unset($server['REQUEST_TIME'], $server['REQUEST_TIME_FLOAT']);
        \ksort($server);
        self::assertSame([
            'CONTENT_LENGTH' => '9', 'CONTENT_TYPE' => 'multipart/form-data; boundary=x', 'GATEWAY_INTERFACE' => 'CGI/1.1',
            'HTTP_COOKIE' => 'a=1; b=2', 'HTTP_HOST' => 'localhost:8080', 'HTTP_X_TWO' => '1, 2',
            'QUERY_STRING' => 'a[b]=1&c=%20', 'REMOTE_ADDR' => '127.0.0.1', 'REQUEST_METHOD' => 'POST', 'REQUEST_SCHEME' => 'http',
            'REQUEST_URI' => '/inspect?a[b]=1&c=%20', 'SERVER_NAME' => 'localhost', 'SERVER_PORT' => '8080',
            'SERVER_PROTOCOL' => 'HTTP/2.0', 'SERVER_SOFTWARE' => 'rrts',
        ], $server);
    }

    #[DataProvider('packages')]
    public function testBodiesAndHeadersPassUnchanged(string $package): void
    {
        $master = self::master($package);

        self::assertSame('0', $master->request('POST', '/zero', [], '0')->body());
        $reply = $master->request('GET', '/headers', ['headers' => ['x-bytes', "caf\xE9"]]);
        self::assertSame("caf\xE9", $reply->header('x-bytes'));
        self::assertSame('a=1|b=2', $reply->header('set-cookie'));
    }

    public function testABodyThatWasReadIsSentFromItsStart(): void
    {
        self::assertSame('whole body', self::master()->request('GET', '/read-to-the-end')->body());
    }

    public function testABodyOfUnknownSizeIsStreamed(): void
    {
        $reply = self::master()->request('GET', '/pipe');

        self::assertSame(['onetwo', true], [$reply->body(), $reply->isStreamed]);
    }

    public function testALargeBodyIsStreamedWithItsLength(): void
    {
        $reply = self::master()->request('GET', '/large');

        self::assertTrue($reply->isStreamed);
        self::assertSame((string) (3 << 20), $reply->header('content-length'));
        self::assertSame(3 << 20, \strlen($reply->body()));
    }

    public function testAnEndlessBodyEndsWhenTheClientHasGone(): void
    {
        $master = self::master();
        $master->begin('GET', '/endless');
        self::assertSame(Frame::STREAM, $master->receive()->stream);
        $master->sendStreamStop();
        $master->reply();

        self::assertSame('0', $master->request('POST', '/zero', [], '0')->body());
    }

    public function testInformationalResponses(): void
    {
        $reply = self::master()->request('GET', '/hints');

        self::assertSame([[103, ['Link', '</a.css>; rel=preload']]], $reply->informational);
        self::assertSame('after', $reply->body());
    }

    public function testExceptionsAreErrorFrames(): void
    {
        self::assertStringStartsWith('DomainException: no such page at ', (string) self::master()->request('GET', '/other')->error);
    }

    public function testAUriThatThePackageRefusesIsABadRequest(): void
    {
        self::assertSame(400, self::master()->request('GET', '/', ['uri' => 'http://localhost:99999/'])->status);
    }

    public function testAStopWishHandsTheRequestBack(): void
    {
        $master = new Master(__DIR__ . '/fixtures/asks-stop.php');

        self::assertSame('first', $master->request('GET', '/')->body());
        self::assertTrue($master->request('GET', '/')->isStopWish);
        self::assertSame(0, $master->stop());
    }

    private static function master(string $package = ''): Master
    {
        return new Master(self::SCRIPT, environment: ['RRTS_TEST_PSR7' => $package]);
    }

    /** @return array<array-key, mixed> */
    private static function json(Reply $reply): array
    {
        $data = \json_decode($reply->body(), true);
        self::assertIsArray($data, $reply->error ?? $reply->body());

        return $data;
    }
}
