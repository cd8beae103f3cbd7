<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** What a Node library threw, or why the bridge did not let PHP call it. */
final class NodeException extends RpcException
{
    /**
     * @param string $errorCode ERR_BRIDGE_THREW for what a library threw
     * @param string $method the called one: Service.Method
     * @param string $nodeClass the class of the JavaScript error, such as TypeError; '' when there was none
     * @param string $nodeCode the `code` of the JavaScript error, such as ENOENT; '' when it has none
     * @param string $nodeStack where it was thrown; '' unless the server runs in debug mode
     */
    public function __construct(
        string $message,
        string $errorCode,
        string $method,
        public readonly string $nodeClass = '',
        public readonly string $nodeCode = '',
        public readonly string $nodeStack = '',
        ?\Throwable $previous = null,
    ) {
        parent::__construct($message, $errorCode, $method, $previous);
    }
}
