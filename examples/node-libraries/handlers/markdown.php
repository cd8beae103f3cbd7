<?php

// Markdown as HTML by marked.

declare(strict_types=1);

use Rrts\Http\Request;
use Rrts\Http\Response;
use Rrts\Node;

return static function (Request $request): Response {
    $text = $request->method === 'POST' ? $request->body : (string) file_get_contents(__DIR__ . '/../assets/page.md');

    return Response::html(Node::module('marked')->parse($text, ['gfm' => true]));
};
