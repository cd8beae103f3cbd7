<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Http;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\ProtocolException;
use Rrts\Http\Request;
use Rrts\Http\RequestMapper;
use Rrts\Http\ServerVariables;
use Rrts\Http\UploadedFile;
use Rrts\Payload;

final class RequestTest extends TestCase
{
    #[TestWith(['http://localhost/a/b?c=d', '/a/b', 'c=d'])]
    #[TestWith(['https://localhost:8443', '/', ''])]
    #[TestWith(['http://localhost?x', '/', 'x'])]
    #[TestWith(['http://[::1]:80/a%2Fb', '/a%2Fb', ''])]
    #[TestWith(['http://localhost//double?a?b', '//double', 'a?b'])]
    #[TestWith(['http://localhost/http://x/?u=http://y/', '/http://x/', 'u=http://y/'])]
    #[TestWith(["http://localhost/caf\xe9", "/caf\xe9", ''])]
    public function testTakesTheTargetApart(string $uri, string $path, string $query): void
    {
        $request = new Request('GET', $uri);

        self::assertSame($path, $request->path());
        self::assertSame($query, $request->queryString());
        self::assertSame($path . ($query === '' ? '' : "?{$query}"), $request->target());
    }

    public function testHeadersAreFoundInAnyLetterCase(): void
    {
        $request = new Request('GET', 'http://localhost/', headers: ['x-a' => ['1', '0'], 'cookie' => ['a=1', 'b=2'], 'empty' => ['']]);

        self::assertSame('1, 0', $request->header('X-A'));
        self::assertSame('a=1; b=2', $request->header('Cookie'));
        self::assertSame('', $request->header('empty'));
        self::assertNull($request->header('absent'));
    }

    public function testAbsentKeysOfTheHeadHaveTheirDefaults(): void
    {
        $request = RequestMapper::map(new Payload(['method' => 'GET', 'uri' => 'http://localhost/'], '0'), null);

        self::assertSame(['1.1', '', [], '0', [], 1], [$request->protocolVersion, $request->remoteAddress, $request->headers, $request->body, $request->attributes, $request->attempt]);
        self::assertSame([false, [], [], [], []], [$request->hasForm(), $request->form(), $request->files(), $request->query(), $request->cookies()]);
        $request->inform(103, ['link' => 'nobody listens']);
    }

    public function testAnUrlencodedBodyIsBothFormAndBody(): void
    {
        $head = ['method' => 'POST', 'uri' => 'http://localhost/', 'form' => true, 'headers' => ['content-type', 'application/x-www-form-urlencoded']];
        $request = RequestMapper::map(new Payload($head, 'a=1'), null);

        self::assertSame(['a=1', true, ['a' => '1']], [$request->body, $request->hasForm(), $request->form()]);
    }

    public function testFileNamesLoseTheirFolders(): void
    {
        foreach (['/a/b.txt' => 'b.txt', 'C:\\a\\b.txt' => 'b.txt', 'b.txt' => 'b.txt', '' => '', 'a/' => ''] as $full => $base) {
            $head = ['method' => 'POST', 'uri' => 'http://localhost/', 'uploads' => [['f', $full, 'text/plain', 1, 0, '/tmp/x']]];
            $file = RequestMapper::map(new Payload($head, ''), null)->files()['f'];

            self::assertInstanceOf(UploadedFile::class, $file);
            self::assertSame([$base, $full], [$file->name, $file->fullPath]);
        }
    }

    /** @param array<string, mixed> $head */
    #[TestWith([[]])]
    #[TestWith([['method' => 'GET']])]
    #[TestWith([['method' => 1, 'uri' => 'x']])]
    #[TestWith([['method' => 'GET', 'uri' => 'x', 'attempt' => 'x']])]
    #[TestWith([['method' => 'GET', 'uri' => 'x', 'headers' => 'x']])]
    #[TestWith([['method' => 'GET', 'uri' => 'x', 'headers' => [1, 2]]])]
    #[TestWith([['method' => 'GET', 'uri' => 'x', 'uploads' => ['x']]])]
    #[TestWith([['method' => 'GET', 'uri' => 'x', 'uploads' => [['f', 'n', 't', '1', 0, '/tmp/x']]]])]
    public function testAHeadOfTheWrongShapeIsAProtocolError(array $head): void
    {
        $this->expectException(ProtocolException::class);
        RequestMapper::map(new Payload($head, ''), null);
    }

    public function testServerVariablesOfAnIpv6Host(): void
    {
        $server = ServerVariables::of(new Request('GET', 'https://[::1]/x', '2', '::1', ['x-a-b' => ['c'], '123' => ['n']]));

        self::assertSame(['[::1]', '443', 'on', 'HTTP/2.0', 'c', 'n', '::1'], [$server['SERVER_NAME'], $server['SERVER_PORT'], $server['HTTPS'], $server['SERVER_PROTOCOL'], $server['HTTP_X_A_B'], $server['HTTP_123'], $server['REMOTE_ADDR']]);
    }

    public function testAnUploadIsMovedOrSaysWhyNot(): void
    {
        $path = (string) \tempnam(\sys_get_temp_dir(), 'rrts');
        (new UploadedFile('a', 'a', '', 0, 0, $path))->moveTo($path . '.moved');
        self::assertFileDoesNotExist($path);
        self::assertSame(0o666 & ~\umask(), \fileperms($path . '.moved') & 0o777);
        \unlink($path . '.moved');

        foreach ([new UploadedFile('a', 'a', '', 0, \UPLOAD_ERR_INI_SIZE, ''), new UploadedFile('a', 'a', '', 0, 0, '/nowhere/x')] as $broken) {
            try {
                $broken->moveTo($path);
                self::fail('Moved.');
            } catch (\RuntimeException $exception) {
                self::assertStringContainsString('"a"', $exception->getMessage());
            }
        }
    }
}
