<?php

declare(strict_types=1);

namespace Rrts\Tests\Contract;

use Rrts\Relay\SocketRelay;

final class TcpSocketRelayTest extends RelayContractTestCase
{
    protected function connect(): array
    {
        $server = \stream_socket_server('tcp://127.0.0.1:0');
        self::assertNotFalse($server);
        $relay = new SocketRelay('tcp://' . \stream_socket_get_name($server, false));
        $peer = \stream_socket_accept($server, 5);
        self::assertNotFalse($peer);
        \fclose($server);

        return [$relay, $peer, $peer];
    }
}
