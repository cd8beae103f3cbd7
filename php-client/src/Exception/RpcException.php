<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** A call that failed, with the code of docs/errors.md. What broke on the way there is a {@see TransportException}. */
class RpcException extends \RuntimeException implements RrtsException
{
    /**
     * @param string $errorCode such as ERR_RPC_BUSY
     * @param string $method the called one: Service.Method
     */
    public function __construct(
        string $message,
        public readonly string $errorCode,
        public readonly string $method,
        ?\Throwable $previous = null,
    ) {
        parent::__construct($message, 0, $previous);
    }
}
