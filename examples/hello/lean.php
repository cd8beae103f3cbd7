<?php

// The same without PSR-7 objects: the lean API hands over what rrts received and takes a string or a response.

declare(strict_types=1);

use Rrts\Http\HttpWorker;
use Rrts\Http\Request;
use Rrts\Http\Response;

require __DIR__ . '/vendor/autoload.php';

HttpWorker::serve(static function (Request $request): Response {
    $text = sprintf("Hello from PHP %s: %s %s\n", \PHP_VERSION, $request->method, $request->uri);

    return new Response(200, ['Content-Type' => 'text/plain; charset=utf-8'], $text);
});
