<?php

// A PSR-7 application in one callable: PHP boots once, then the callable answers every request.

declare(strict_types=1);

use Nyholm\Psr7\Response;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use Rrts\Http\HttpWorker;

require __DIR__ . '/vendor/autoload.php';

HttpWorker::serve(static function (ServerRequestInterface $request): ResponseInterface {
    $name = $request->getQueryParams()['name'] ?? 'world';
    $text = sprintf("Hello %s from PHP %s\n", is_string($name) ? $name : 'world', \PHP_VERSION);

    return new Response(200, ['Content-Type' => 'text/plain; charset=utf-8'], $text);
});
