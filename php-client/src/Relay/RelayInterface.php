<?php

declare(strict_types=1);

namespace Rrts\Relay;

use Rrts\Exception\TransportException;

/** A two-way byte channel to the master. */
interface RelayInterface
{
    /**
     * Waits for bytes and gives what is there, at most $limit; '' only at the end of the input.
     *
     * @param positive-int $limit
     *
     * @throws TransportException when the channel is broken
     */
    public function read(int $limit): string;

    /**
     * Waits until exactly so many bytes have come.
     *
     * @throws TransportException when the input ends before
     */
    public function readExactly(int $length): string;

    /**
     * Writes every byte, in as many system calls as the peer makes necessary.
     *
     * @throws TransportException when the peer has gone
     */
    public function writeAll(string $bytes): void;

    /** Whether {@see read()} would return at once, with bytes or with the end of the input. */
    public function isReadable(): bool;

    /** Ends the channel; a second call does nothing. */
    public function close(): void;
}
