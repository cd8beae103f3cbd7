<?php

// The PSR-7 application of the benchmark. rrts, RoadRunner's worker and php-fpm all run this same file.

declare(strict_types=1);

use Nyholm\Psr7\Response;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Message\UploadedFileInterface;

require_once __DIR__ . '/rows.php';

return static function (ServerRequestInterface $request): ResponseInterface {
    switch ($request->getUri()->getPath()) {
        case '/hello':
            return new Response(200, ['Content-Type' => 'text/plain; charset=utf-8'], "Hello, World!\n");
        case '/json':
            return new Response(200, ['Content-Type' => 'application/json'], json_encode(rows(), \JSON_THROW_ON_ERROR));
        case '/upload':
            $file = $request->getUploadedFiles()['file'] ?? null;
            $bytes = $file instanceof UploadedFileInterface ? $file->getStream()->getSize() : 0;

            return new Response(200, ['Content-Type' => 'text/plain; charset=utf-8'], "{$bytes} bytes\n");
        default:
            return new Response(404);
    }
};
