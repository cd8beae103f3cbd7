<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\RpcArgumentException;

/**
 * What is asked of the server, before it has a number.
 *
 * @internal
 */
final class Call
{
    /** In the bytes of a result: it may hold what MessagePack alone cannot say. */
    public const MARK = '$rrts';

    private const MAX_MILLISECONDS = 0xFFFFFFFF;

    /** The call as messages name it. */
    public readonly string $label;

    /**
     * @param \Closure(mixed, Handles): mixed|null $revive makes of a result with {@see MARK} what PHP is to get
     * @param Handles|null $handles of the connection that objects in the call belong to; it must be the one that is called
     *
     * @throws RpcArgumentException when the timeout is no time
     */
    public function __construct(
        public readonly string $method,
        public readonly ?float $timeout = null,
        ?string $label = null,
        public readonly ?\Closure $revive = null,
        public readonly ?Handles $handles = null,
    ) {
        $this->label = $label ?? $method;
        if ($timeout !== null && !($timeout > 0)) {
            throw new RpcArgumentException("{$this->label}: the timeout is {$timeout} seconds; more than 0, or null for the method's own limit, expected.", 'ERR_RPC_ARGUMENT', $method);
        }
    }

    /** What the call is about, beside the method; '' when there is no more to say. */
    public function subject(): string
    {
        return \substr($this->label, \strlen($this->method) + 1);
    }

    /** The third option of the frame; 0 for the default of the method. */
    public function milliseconds(): int
    {
        return $this->timeout === null ? 0 : (int) \min(\ceil($this->timeout * 1000), self::MAX_MILLISECONDS);
    }
}
