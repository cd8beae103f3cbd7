<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

use Rrts\Exception\TransportException;
use Rrts\Rpc\PendingCall;
use Rrts\Rpc\RpcInterface;

/** Keeps the calls that are made, and answers each with true; or breaks at each. */
final class RecordingRpc implements RpcInterface
{
    /** @var list<array{string, mixed}> */
    public array $calls = [];

    public function __construct(private readonly bool $broken = false) {}

    public function call(string $method, mixed $argument = null, ?float $timeout = null): mixed
    {
        $this->notify($method, $argument);

        return true;
    }

    public function start(string $method, mixed $argument = null, ?float $timeout = null): PendingCall
    {
        throw new \LogicException('not here');
    }

    public function notify(string $method, mixed $argument = null): void
    {
        if ($this->broken) {
            throw new TransportException('the server is gone');
        }
        $this->calls[] = [$method, $argument];
    }
}
