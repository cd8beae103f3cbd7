<?php

// A counter in Redis. All workers use the one connection of redis.js.

declare(strict_types=1);

use Rrts\Exception\NodeException;
use Rrts\Http\Request;
use Rrts\Http\Response;
use Rrts\Node;

return static function (Request $request): Response {
    try {
        $count = Node::module('redis')->increment('visits');
    } catch (NodeException $exception) {
        return Response::text("Redis does not answer: {$exception->getMessage()}\n", 503);
    }

    return Response::json(['visits' => $count, 'worker' => getmypid()]);
};
