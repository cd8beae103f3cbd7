<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

/** A process that answers RPC calls on a socket; tests/Stub/rpc-server.php says which. */
final class RpcServer
{
    public readonly string $address;

    /** @var resource */
    private $process;

    /** @var array<int, resource> */
    private array $pipes;

    public function __construct(string $address = 'tcp://127.0.0.1:0', string $token = '')
    {
        $process = \proc_open([\PHP_BINARY, __DIR__ . '/rpc-server.php', $address, $token], [['pipe', 'r'], ['pipe', 'w']], $pipes);
        if ($process === false) {
            throw new \RuntimeException('Cannot start the RPC server.');
        }
        $this->process = $process;
        $this->pipes = $pipes;
        \stream_set_timeout($pipes[1], 10);
        $this->address = \trim((string) \fgets($pipes[1]));
    }

    public function __destruct()
    {
        $this->stop();
    }

    public function stop(): void
    {
        if (\is_resource($this->process)) {
            \array_map(\fclose(...), $this->pipes);
            \proc_close($this->process);
        }
    }
}
