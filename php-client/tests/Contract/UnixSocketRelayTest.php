<?php

declare(strict_types=1);

namespace Rrts\Tests\Contract;

use Rrts\Exception\TransportException;
use Rrts\Relay\SocketRelay;

final class UnixSocketRelayTest extends RelayContractTestCase
{
    protected function connect(): array
    {
        $path = \sys_get_temp_dir() . '/rrts-' . \bin2hex(\random_bytes(8)) . '.sock';
        $server = \stream_socket_server("unix://{$path}");
        self::assertNotFalse($server);
        $relay = new SocketRelay("unix://{$path}");
        $peer = \stream_socket_accept($server, 5);
        self::assertNotFalse($peer);
        \fclose($server);
        \unlink($path);

        return [$relay, $peer, $peer];
    }

    public function testNobodyThereIsAnErrorThatNamesTheAddress(): void
    {
        $this->expectException(TransportException::class);
        $this->expectExceptionMessage('unix:///nowhere/rrts.sock');
        new SocketRelay('unix:///nowhere/rrts.sock');
    }
}
