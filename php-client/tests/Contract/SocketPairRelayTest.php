<?php

declare(strict_types=1);

namespace Rrts\Tests\Contract;

use Rrts\Relay\StreamRelay;

/** The private channel: one socket for both directions, as on descriptor 3. */
final class SocketPairRelayTest extends RelayContractTestCase
{
    protected function connect(): array
    {
        $pair = \stream_socket_pair(\STREAM_PF_UNIX, \STREAM_SOCK_STREAM, 0);
        self::assertNotFalse($pair);

        return [new StreamRelay($pair[0], $pair[0]), $pair[1], $pair[1]];
    }
}
