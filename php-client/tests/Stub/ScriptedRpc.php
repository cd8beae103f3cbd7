<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

use Rrts\Rpc\PendingCall;
use Rrts\Rpc\RpcInterface;

/** Answers calls as the test says, and keeps them. */
final class ScriptedRpc implements RpcInterface
{
    /** @var list<array{string, mixed}> */
    public array $calls = [];

    /** @param \Closure(string, mixed): mixed $answer gets method and argument; may throw */
    public function __construct(private readonly \Closure $answer) {}

    public function call(string $method, mixed $argument = null, ?float $timeout = null): mixed
    {
        $this->calls[] = [$method, $argument];

        return ($this->answer)($method, $argument);
    }

    public function start(string $method, mixed $argument = null, ?float $timeout = null): PendingCall
    {
        throw new \LogicException('not here');
    }

    public function notify(string $method, mixed $argument = null): void
    {
        $this->call($method, $argument);
    }
}
