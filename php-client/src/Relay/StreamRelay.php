<?php

declare(strict_types=1);

namespace Rrts\Relay;

use Rrts\Exception\TransportException;

/** A relay over PHP streams: the private channel on descriptor 3, or a pair of pipes. */
final class StreamRelay implements RelayInterface
{
    /** Failed writes in a row after which the peer counts as gone; a signal may spoil one or two. */
    private const WRITE_ATTEMPTS = 16;
    private const WAIT_SECONDS = 60;

    private readonly bool $isSocket;

    private bool $closed = false;

    /**
     * @param resource $input
     * @param resource $output may be the same as $input
     *
     * @throws \InvalidArgumentException for a file opened by its path
     */
    public function __construct(private $input, private $output)
    {
        $stream = \stream_get_meta_data($input);
        // PHP fills a whole fread() from those, however long the bytes take to come.
        // @phpstan-ignore nullCoalesce.offset (sockets made by the process have none)
        if (($stream['wrapper_type'] ?? '') === 'plainfile') {
            throw new \InvalidArgumentException('A relay reads from a socket, or a pipe opened as php://fd/N or php://stdin.');
        }
        $this->isSocket = \str_contains($stream['stream_type'], 'socket');
        \stream_set_read_buffer($input, 0);
        \stream_set_write_buffer($output, 0);
        // Without it a worker that idles for default_socket_timeout reads an end that is none.
        if ($this->isSocket) {
            \stream_set_timeout($input, -1);
        }
    }

    /**
     * The channel on an inherited descriptor.
     *
     * @throws TransportException when there is none
     */
    public static function fromDescriptor(int $descriptor): self
    {
        $stream = @\fopen("php://fd/{$descriptor}", 'r+b');
        if ($stream === false) {
            throw new TransportException("Descriptor {$descriptor} cannot be opened; is this process started by rrts, with the php command line binary?");
        }

        return new self($stream, $stream);
    }

    /** The channel on stdin and stdout. */
    public static function standard(): self
    {
        $input = \fopen('php://stdin', 'rb');
        $output = \fopen('php://stdout', 'wb');
        if ($input === false || $output === false) {
            throw new TransportException('stdin or stdout cannot be opened.');
        }

        return new self($input, $output);
    }

    public function read(int $limit): string
    {
        if ($this->closed) {
            throw new TransportException('The channel to the master is closed.');
        }
        // On sockets fread() asks poll() first; recvfrom waits by itself and halves the system calls.
        if ($this->isSocket) {
            $bytes = \stream_socket_recvfrom($this->input, $limit);
            if (\is_string($bytes) && $bytes !== '') {
                return $bytes;
            }
        }
        // A signal can end a read with nothing in hand, which is not the end of the input.
        do {
            $bytes = @\fread($this->input, $limit);
        } while (($bytes === '' || $bytes === false) && !\feof($this->input) && $this->waitFor(true));

        return $bytes === false ? '' : $bytes;
    }

    public function readExactly(int $length): string
    {
        $bytes = '';
        while (($missing = $length - \strlen($bytes)) > 0) {
            $part = $this->read($missing);
            if ($part === '') {
                throw new TransportException('The input ended after ' . \strlen($bytes) . " of {$length} bytes.");
            }
            $bytes .= $part;
        }

        return $bytes;
    }

    public function writeAll(string $bytes): void
    {
        if ($this->closed) {
            throw new TransportException('The channel to the master is closed.');
        }
        $written = @\fwrite($this->output, $bytes);
        if ($written === \strlen($bytes)) {
            return;
        }
        $offset = (int) $written;
        $failures = $written === false || $written === 0 ? 1 : 0;
        while ($offset < \strlen($bytes)) {
            if ($failures >= self::WRITE_ATTEMPTS) {
                throw new TransportException('The master does not take bytes any more: ' . (\error_get_last()['message'] ?? 'unknown cause') . '.');
            }
            if ($failures > 0) {
                $this->waitFor(false);
            }
            $written = @\fwrite($this->output, \substr($bytes, $offset, 1 << 20));
            $failures = $written === false || $written === 0 ? $failures + 1 : 0;
            $offset += (int) $written;
        }
    }

    public function isReadable(): bool
    {
        $read = [$this->input];
        $none = null;

        return !$this->closed && (int) @\stream_select($read, $none, $none, 0) > 0;
    }

    public function close(): void
    {
        if ($this->closed) {
            return;
        }
        $this->closed = true;
        \fclose($this->input);
        if (\is_resource($this->output)) {
            \fclose($this->output);
        }
    }

    /** Always true; a condition so that the read loop ends with it. */
    private function waitFor(bool $reading): bool
    {
        $read = $reading ? [$this->input] : null;
        $write = $reading ? null : [$this->output];
        $none = null;
        @\stream_select($read, $write, $none, self::WAIT_SECONDS);

        return true;
    }
}
