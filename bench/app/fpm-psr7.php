<?php

// php-fpm with the PSR-7 application: the objects are made from the superglobals and the answer is sent, request by request.

declare(strict_types=1);

use Nyholm\Psr7\ServerRequest;
use Nyholm\Psr7\Stream;
use Nyholm\Psr7\UploadedFile;

require __DIR__ . '/vendor/autoload.php';

$request = new ServerRequest($_SERVER['REQUEST_METHOD'], "http://{$_SERVER['HTTP_HOST']}{$_SERVER['REQUEST_URI']}", getallheaders(), null, '1.1', $_SERVER);
$request = $request->withQueryParams($_GET)->withCookieParams($_COOKIE);

if ($request->getMethod() === 'POST') {
    $files = [];
    foreach ($_FILES as $field => $file) {
        $files[$field] = new UploadedFile(Stream::create(fopen($file['tmp_name'], 'rb')), $file['size'], $file['error'], $file['name'], $file['type']);
    }
    $request = $request->withParsedBody($_POST)->withUploadedFiles($files);
}

$response = (require __DIR__ . '/handler.php')($request);

http_response_code($response->getStatusCode());
foreach ($response->getHeaders() as $name => $values) {
    foreach ($values as $value) {
        header("{$name}: {$value}", false);
    }
}
echo $response->getBody();
