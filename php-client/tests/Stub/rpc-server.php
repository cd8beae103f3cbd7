<?php

declare(strict_types=1);

// A server for SocketRpc, one connection after the other and side by side: php rpc-server.php ADDRESS [TOKEN]

use Rrts\Protocol\FrameDecoder;
use Rrts\Tests\Stub\RpcCall;

require __DIR__ . '/../../vendor/autoload.php';

$address = $argv[1] ?? '';
$token = $argv[2] ?? '';
$server = stream_socket_server($address);
assert($server !== false);
echo str_starts_with($address, 'tcp://') ? 'tcp://' . stream_socket_get_name($server, false) : $address, "\n";
/** @var array<int, array{resource, FrameDecoder}> $connections */
$connections = [];
$trusted = [];
$accepted = 0;
$lastWords = [];
$held = null;

$answer = static function ($socket, RpcCall $call) use (&$accepted, &$lastWords, &$held): void {
    $bytes = match ($call->method) {
        'test.Echo' => $call->reply($call->argument),
        'test.Connections' => $call->reply($accepted),
        'test.Deadline' => $call->reply($call->deadline),
        'test.Note' => $call->reply($lastWords[] = $call->argument),
        'test.Notes' => $call->reply($lastWords),
        'test.Hold' => '',
        'test.Silent' => '',
        'test.Garbage' => 'this is no frame',
        'bridge.Release' => $call->reply($lastWords[] = $call->argument),
        default => $call->error('ERR_RPC_METHOD', "no method {$call->method}"),
    };
    if ($call->method === 'test.Hold') {
        $held = $call;
    } elseif ($held !== null) {
        $bytes .= $held->reply('held');
        $held = null;
    }
    assert(is_resource($socket));
    stream_set_blocking($socket, true);
    fwrite($socket, $bytes);
    stream_set_blocking($socket, false);
};

while (true) {
    $read = [$server, STDIN, ...array_column($connections, 0)];
    $none = null;
    stream_select($read, $none, $none, 30);
    foreach ($read as $socket) {
        if ($socket === STDIN) {
            exit(0);
        }
        if ($socket === $server) {
            $client = stream_socket_accept($server);
            if ($client !== false) {
                $accepted++;
                stream_set_blocking($client, false);
                stream_set_read_buffer($client, 0);
                $connections[(int) $client] = [$client, new FrameDecoder()];
            }
            continue;
        }
        [, $decoder] = $connections[(int) $socket];
        $bytes = (string) fread($socket, 65536);
        if ($bytes === '') {
            if (feof($socket)) {
                unset($connections[(int) $socket]);
                fclose($socket);
            }
            continue;
        }
        $decoder->push($bytes);
        while (($frame = $decoder->next()) !== null) {
            $call = RpcCall::of($frame);
            if ($call->method === 'test.HangUp') {
                unset($connections[(int) $socket]);
                fclose($socket);
                break;
            }
            if ($token !== '' && $call->method === 'rpc.Authenticate' && $call->argument === $token) {
                $trusted[(int) $socket] = true;
                fwrite($socket, $call->reply(true));
            } elseif ($token !== '' && !isset($trusted[(int) $socket])) {
                fwrite($socket, $call->error('ERR_RPC_DENIED', 'wrong token'));
            } else {
                $answer($socket, $call);
            }
        }
    }
}
