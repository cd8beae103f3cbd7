<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;

/** A call on its way; {@see RpcInterface::start()} makes it. One that is dropped is forgotten, with its result. */
final class PendingCall
{
    private ?Connection $connection;

    private mixed $result = null;

    private ?\Throwable $failure = null;

    /** @internal */
    public function __construct(
        Connection $connection,
        private readonly Replies $replies,
        private readonly Handles $handles,
        private readonly int $sequence,
        private readonly Call $call,
        private readonly float $startedAt,
    ) {
        $this->connection = $connection;
    }

    public function __destruct()
    {
        if ($this->connection !== null) {
            $this->forget();
        }
    }

    /**
     * Waits for the result; a second call gives the same again.
     *
     * @throws RpcException when the call failed; its subclasses tell why
     * @throws TransportException when the server is not there any more
     */
    public function wait(): mixed
    {
        if ($this->connection !== null) {
            $connection = $this->connection;
            $this->connection = null;
            try {
                $this->result = ReplyReader::read($connection->await($this->replies, $this->sequence, $this->call, $this->startedAt), $this->call, $this->handles);
            } catch (\Throwable $failure) {
                $this->forget();
                $this->failure = $failure;
            }
        }

        return $this->failure === null ? $this->result : throw $this->failure;
    }

    private function forget(): void
    {
        $this->replies->forget($this->sequence, $this->call, $this->handles);
    }
}
