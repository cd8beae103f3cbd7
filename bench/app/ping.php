<?php

// The least that a call can cost: bytes to Node and back over the same kind of socket, without any protocol.

declare(strict_types=1);

require __DIR__ . '/count.php';

$channel = fopen('php://fd/3', 'r+b');
if ($channel === false) {
    exit(1);
}
stream_set_read_buffer($channel, 0);
stream_set_write_buffer($channel, 0);
// As long as the frame of an echo of 100 bytes.
$bytes = str_repeat('x', 130);
$ping = static function () use ($channel, $bytes): void {
    fwrite($channel, $bytes);
    if (stream_socket_recvfrom($channel, 32768) !== $bytes) {
        exit(2);
    }
};
echo json_encode(countCalls($ping, (float) $argv[1], (float) $argv[2]), JSON_THROW_ON_ERROR);
