<?php

// A small application without a framework: each route is a file that returns a function.

declare(strict_types=1);

use Rrts\Http\HttpWorker;
use Rrts\Http\Request;
use Rrts\Http\Response;

require __DIR__ . '/vendor/autoload.php';

/** @var array<string, callable(Request): Response> $routes */
$routes = [
    '/' => require __DIR__ . '/handlers/index.php',
    '/resize' => require __DIR__ . '/handlers/resize.php',
    '/markdown' => require __DIR__ . '/handlers/markdown.php',
    '/thumbnail' => require __DIR__ . '/handlers/thumbnail.php',
    '/spreadsheet' => require __DIR__ . '/handlers/spreadsheet.php',
    '/counter' => require __DIR__ . '/handlers/counter.php',
];

HttpWorker::serve(static function (Request $request) use ($routes): Response {
    $handler = $routes[$request->path()] ?? null;

    return $handler === null ? Response::text("Not found\n", 404) : $handler($request);
});
