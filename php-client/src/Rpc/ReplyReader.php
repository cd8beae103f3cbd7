<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\NodeException;
use Rrts\Exception\ProtocolException;
use Rrts\Exception\RpcArgumentException;
use Rrts\Exception\RpcException;
use Rrts\Exception\RpcMethodException;
use Rrts\Exception\RpcTimeoutException;
use Rrts\Protocol\Frame;

/**
 * The frame of a reply to the result, or to the exception that it stands for.
 *
 * @internal
 */
final class ReplyReader
{
    /** @throws RpcException */
    public static function read(Frame $frame, Call $call, Handles $handles): mixed
    {
        // The name of the method is repeated before the result.
        $bytes = \substr($frame->payload, $frame->options[1] ?? 0);
        if (($frame->flags & Frame::ERROR) !== 0) {
            throw self::failure($frame->flags, $bytes, $call);
        }
        try {
            $result = MessagePack::shared()->decode($bytes);
        } catch (ProtocolException $exception) {
            throw new RpcException("{$call->label}: the result cannot be read: {$exception->getMessage()}", 'ERR_RPC_RESULT', $call->method, $exception);
        }

        return $call->revive !== null && \str_contains($bytes, Call::MARK) ? ($call->revive)($result, $handles) : $result;
    }

    private static function failure(int $flags, string $bytes, Call $call): RpcException
    {
        $error = ['message' => $bytes];
        if (($flags & Frame::MSGPACK) !== 0) {
            try {
                $decoded = MessagePack::shared()->decode($bytes);
                $error = \is_array($decoded) ? $decoded : $error;
            } catch (ProtocolException) {
                // Plain text then, as for the other codecs.
            }
        }
        $text = static fn(string $key): string => isset($error[$key]) && \is_scalar($error[$key]) ? (string) $error[$key] : '';
        $code = $text('code') === '' ? 'ERR_RPC_FAILED' : $text('code');
        // The bridge says which function it was, too.
        $isNamed = $call->subject() !== '' && \str_starts_with($text('message'), $call->subject());
        $message = $isNamed ? "{$call->method} {$text('message')}" : "{$call->label}: {$text('message')}";

        return match (true) {
            \str_starts_with($code, 'ERR_BRIDGE_') => new NodeException($message, $code, $call->method, $text('class'), $text('node_code'), $text('stack')),
            $code === 'ERR_RPC_TIMEOUT' => new RpcTimeoutException($message, $code, $call->method),
            $code === 'ERR_RPC_METHOD' => new RpcMethodException($message, $code, $call->method),
            $code === 'ERR_RPC_ARGUMENT', $code === 'ERR_RPC_TOO_LARGE' => new RpcArgumentException($message, $code, $call->method),
            default => new RpcException($message, $code, $call->method),
        };
    }
}
