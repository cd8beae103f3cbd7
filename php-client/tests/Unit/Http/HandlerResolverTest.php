<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Http;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Server\RequestHandlerInterface;
use Rrts\Http\HandlerResolver;
use Rrts\Http\Psr17Factories;
use Rrts\Http\Request;
use Rrts\Http\Response;

final class HandlerResolverTest extends TestCase
{
    /** @return iterable<string, array{callable|RequestHandlerInterface, bool}> */
    public static function handlers(): iterable
    {
        yield 'no parameter' => [static fn() => \func_get_args()[0], false];
        yield 'no type' => [static fn($request) => $request, false];
        yield 'mixed' => [static fn(mixed $request) => $request, false];
        yield 'object' => [static fn(object $request) => $request, false];
        yield 'lean' => [static fn(Request $request) => $request, false];
        yield 'lean or PSR-7' => [static fn(ServerRequestInterface|Request $request) => $request, false];
        yield 'nullable PSR-7' => [static fn(?ServerRequestInterface $request) => $request, true];
        yield 'PSR-7' => [static fn(ServerRequestInterface $request) => $request, true];
        yield 'PSR-7 without server' => [static fn(RequestInterface $request) => $request, true];
        yield 'a PSR-7 class' => [static fn(\Nyholm\Psr7\ServerRequest $request) => $request, true];
        yield 'invokable' => [new class {
            public function __invoke(ServerRequestInterface $request): ServerRequestInterface
            {
                return $request;
            }
        }, true];
        yield 'PSR-15' => [new class implements RequestHandlerInterface {
            public function handle(ServerRequestInterface $request): ResponseInterface
            {
                return new \Nyholm\Psr7\Response(200, [], $request::class);
            }
        }, true];
    }

    #[DataProvider('handlers')]
    public function testTheFirstParameterDecides(callable|RequestHandlerInterface $handler, bool $isPsr): void
    {
        $result = HandlerResolver::resolve($handler, null)(new Request('GET', 'http://localhost/'));

        self::assertInstanceOf($isPsr ? ($result instanceof ResponseInterface ? ResponseInterface::class : ServerRequestInterface::class) : Request::class, $result);
    }

    public function testFactoriesThatArePassedAreUsed(): void
    {
        $handler = HandlerResolver::resolve(static fn(ServerRequestInterface $request) => $request, Psr17Factories::of(new \GuzzleHttp\Psr7\HttpFactory()));

        self::assertInstanceOf(\GuzzleHttp\Psr7\ServerRequest::class, $handler(new Request('GET', 'http://localhost/')));
    }

    public function testAUriThatPsr7RefusesIsABadRequest(): void
    {
        $response = HandlerResolver::resolve(static fn(ServerRequestInterface $request) => $request, null)(new Request('GET', 'http://localhost:99999/'));

        self::assertInstanceOf(Response::class, $response);
        self::assertSame(400, $response->status);
    }
}
