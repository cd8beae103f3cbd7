<?php

declare(strict_types=1);

namespace Rrts\Protocol;

/** Turns frames into bytes. The other direction is {@see FrameDecoder}. */
final class FrameCodec
{
    public const VERSION = 1;
    public const HEADER_BYTES = 12;
    public const MIN_HEADER_WORDS = 3;
    public const MAX_HEADER_WORDS = 13;
    public const MAX_OPTIONS = self::MAX_HEADER_WORDS - self::MIN_HEADER_WORDS;

    private const REPLY_FIRST_BYTE = (self::VERSION << 4) | (self::MIN_HEADER_WORDS + 1);

    /**
     * The bytes of a frame with any number of options.
     *
     * @throws \LogicException with more than ten options
     */
    public static function encode(Frame $frame): string
    {
        $count = \count($frame->options);
        if ($count > self::MAX_OPTIONS) {
            throw new \LogicException("A frame carries at most ten options, not {$count}.");
        }
        $start = \pack('CCV', (self::VERSION << 4) | (self::MIN_HEADER_WORDS + $count), $frame->flags, \strlen($frame->payload));

        return $start . \pack('VCC', \crc32($start), $frame->stream, 0)
            . ($count === 0 ? '' : \pack('V*', ...$frame->options)) . $frame->payload;
    }

    /**
     * Everything of a reply up to its body: the header, the head length as the one option, and the head.
     *
     * Apart from {@see encode()} because each request passes here, and so that a large body need not be copied.
     */
    public static function replyStart(int $flags, int $stream, string $head, int $bodyLength): string
    {
        $headLength = \strlen($head);
        $start = \pack('CCV', self::REPLY_FIRST_BYTE, $flags, $headLength + $bodyLength);

        return $start . \pack('VCCV', \crc32($start), $stream, 0, $headLength) . $head;
    }
}
