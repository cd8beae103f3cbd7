<?php

declare(strict_types=1);

namespace Rrts\Relay;

use Rrts\Exception\TransportException;

/** A relay over a Unix or TCP socket that this process connects. */
final class SocketRelay implements RelayInterface
{
    private readonly StreamRelay $stream;

    /**
     * @param string $address unix:///path or tcp://host:port
     * @param float $connectTimeout seconds
     *
     * @throws TransportException when nobody answers there
     */
    public function __construct(string $address, float $connectTimeout = 10.0)
    {
        $context = \stream_context_create(['socket' => ['tcp_nodelay' => true]]);
        $socket = @\stream_socket_client($address, $code, $message, $connectTimeout, \STREAM_CLIENT_CONNECT, $context);
        if ($socket === false) {
            throw new TransportException("Cannot connect to {$address}: {$message} ({$code}).");
        }
        $this->stream = new StreamRelay($socket, $socket);
    }

    public function read(int $limit): string
    {
        return $this->stream->read($limit);
    }

    public function readExactly(int $length): string
    {
        return $this->stream->readExactly($length);
    }

    public function writeAll(string $bytes): void
    {
        $this->stream->writeAll($bytes);
    }

    public function isReadable(): bool
    {
        return $this->stream->isReadable();
    }

    public function close(): void
    {
        $this->stream->close();
    }
}
