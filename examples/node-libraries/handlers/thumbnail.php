<?php

// The typed service of services/thumbnails.ts, through the class that `rrts stubs` wrote for it.

declare(strict_types=1);

use App\Node\Thumbnails;
use Rrts\Exception\RpcArgumentException;
use Rrts\Http\Request;
use Rrts\Http\Response;

$thumbnails = new Thumbnails();

return static function (Request $request) use ($thumbnails): Response {
    try {
        $thumbnail = $thumbnails->create(
            image: (string) file_get_contents(__DIR__ . '/../assets/hills.jpg'),
            width: (int) ($request->query()['width'] ?? 200),
            format: 'jpeg',
        );
    } catch (RpcArgumentException $exception) {
        return Response::text($exception->getMessage() . "\n", 422);
    }
    $headers = [
        'content-type' => $thumbnail['type'],
        'last-modified' => $thumbnail['madeAt']->format(\DATE_RFC7231),
        'x-size' => "{$thumbnail['width']} x {$thumbnail['height']}",
    ];

    return new Response(200, $headers, $thumbnail['image']);
};
