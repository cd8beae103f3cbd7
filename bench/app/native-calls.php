<?php

// Calls from a native worker: in-band, or over TCP with RoadRunner's package, as the query says.

declare(strict_types=1);

use Rrts\Http\HttpWorker;
use Rrts\Http\Request;
use Rrts\Http\Response;
use Rrts\Node;
use Rrts\Rpc\Rpc;
use Spiral\Goridge\RPC\RPC as GoridgeRpc;

require __DIR__ . '/vendor/autoload.php';
require __DIR__ . '/count.php';
$roadRunner = (string) getenv('BENCH_ROADRUNNER_VENDOR');
if ($roadRunner !== '') {
    require $roadRunner . '/autoload.php';
}

HttpWorker::serve(static function (Request $request): Response {
    $query = $request->query();
    if (!isset($query['seconds'])) {
        return new Response(200, [], Rpc::fromEnvironment()->call('rpc.Echo', "echo\n"));
    }
    $text = str_repeat('x', 100);
    if ($query['door'] === 'goridge') {
        $rpc = GoridgeRpc::create((string) getenv('RR_RPC'));
        $call = static fn() => $rpc->call('rpc.Echo', $text) === $text ?: exit(3);
    } elseif ($query['call'] === 'wait') {
        $timers = Node::module('timers');
        $call = static fn() => $timers->setTimeout(2);
    } elseif ($query['call'] === 'module') {
        $module = Node::module('echo');
        $call = static fn() => $module->same($text) === $text ?: exit(3);
    } else {
        $rpc = Rpc::fromEnvironment();
        $call = static fn() => $rpc->call('rpc.Echo', $text) === $text ?: exit(3);
    }

    return new Response(200, [], json_encode(countCalls($call, (float) $query['seconds'], (float) $query['begin']), JSON_THROW_ON_ERROR));
});
