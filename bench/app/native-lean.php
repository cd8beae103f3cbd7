<?php

// rrts's own package without PSR-7 objects: the lean API.

declare(strict_types=1);

use Rrts\Http\HttpWorker;
use Rrts\Http\Request;
use Rrts\Http\Response;
use Rrts\Http\UploadedFile;

require __DIR__ . '/vendor/autoload.php';
require __DIR__ . '/rows.php';

HttpWorker::serve(static function (Request $request): Response {
    switch ($request->path()) {
        case '/hello':
            return new Response(200, ['Content-Type' => 'text/plain; charset=utf-8'], "Hello, World!\n");
        case '/slow':
            usleep(50_000);

            return new Response(200, ['Content-Type' => 'text/plain; charset=utf-8'], "Hello, World!\n");
        case '/json':
            return new Response(200, ['Content-Type' => 'application/json'], json_encode(rows(), \JSON_THROW_ON_ERROR));
        case '/upload':
            $file = $request->files()['file'] ?? null;
            $bytes = $file instanceof UploadedFile ? filesize($file->path) : 0;

            return new Response(200, ['Content-Type' => 'text/plain; charset=utf-8'], "{$bytes} bytes\n");
        default:
            return new Response(404);
    }
});
