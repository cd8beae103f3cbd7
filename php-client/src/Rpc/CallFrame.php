<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Protocol\FrameCodec;

/**
 * A call as bytes: sequence number, length of the method's name and, where wanted, a deadline are the options; name and argument
 * are the payload. docs/protocol.md section 5.
 *
 * @internal
 */
final class CallFrame
{
    /** The sequence number of a call that wants no reply; in-band only. */
    public const NO_REPLY = 0;

    public const MAX_SEQUENCE = 0xFFFFFFFF;

    private const FIRST_BYTE = (FrameCodec::VERSION << 4) | (FrameCodec::MIN_HEADER_WORDS + 2);

    /**
     * Everything of a call up to its argument, which may be large and then need not be copied.
     *
     * @param int $flags the codec of the argument
     * @param int $deadline milliseconds; 0 for the default of the method
     */
    public static function start(int $flags, int $sequence, string $method, int $argumentLength, int $deadline = 0): string
    {
        $nameLength = \strlen($method);
        $start = \pack('CCV', self::FIRST_BYTE + ($deadline === 0 ? 0 : 1), $flags, $nameLength + $argumentLength);

        return $start . ($deadline === 0
            ? \pack('VvVV', \crc32($start), 0, $sequence, $nameLength)
            : \pack('VvVVV', \crc32($start), 0, $sequence, $nameLength, $deadline)) . $method;
    }
}
