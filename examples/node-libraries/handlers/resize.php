<?php

// An image resized by sharp: the posted one, or the one in assets.

declare(strict_types=1);

use Rrts\Http\Request;
use Rrts\Http\Response;
use Rrts\Node;
use Rrts\Node\Bytes;

return static function (Request $request): Response {
    $width = (int) ($request->query()['width'] ?? 200);
    $image = $request->method === 'POST' ? $request->body : (string) file_get_contents(__DIR__ . '/../assets/hills.jpg');

    $sharp = Node::module('sharp');
    $small = $sharp(new Bytes($image))->resize($width)->webp()->toBuffer();

    return new Response(200, ['content-type' => 'image/webp'], $small);
};
