<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\EncodingException;

/**
 * A value to MessagePack, for {@see MessagePack}.
 *
 * @internal
 */
final class MessagePackWriter
{
    /**
     * @param int $depth how many arrays the value is in
     *
     * @throws EncodingException
     */
    public static function write(mixed $value, int $depth): string
    {
        return match (true) {
            \is_string($value) => self::text($value),
            \is_int($value) => self::integer($value),
            \is_array($value) => self::collection($value, \array_is_list($value), $depth),
            $value === null => "\xC0",
            \is_bool($value) => $value ? "\xC3" : "\xC2",
            \is_float($value) => "\xCB" . \pack('E', $value),
            \is_object($value) && $value::class === \stdClass::class => self::collection((array) $value, false, $depth),
            default => throw new EncodingException(self::describe($value) . ' cannot be sent'),
        };
    }

    /** The kind of a value as a message names it. */
    public static function describe(mixed $value): string
    {
        return \is_object($value) ? 'an object of class ' . \get_debug_type($value) : 'a ' . \get_debug_type($value);
    }

    private static function text(string $text): string
    {
        $length = \strlen($text);

        return match (true) {
            $length < 32 => \chr(0xA0 | $length) . $text,
            $length <= 0xFF => "\xD9" . \chr($length) . $text,
            $length <= 0xFFFF => \pack('Cn', 0xDA, $length) . $text,
            default => \pack('CN', 0xDB, $length) . $text,
        };
    }

    private static function integer(int $number): string
    {
        return match (true) {
            $number >= 0 => match (true) {
                $number < 0x80 => \chr($number),
                $number <= 0xFF => \pack('CC', 0xCC, $number),
                $number <= 0xFFFF => \pack('Cn', 0xCD, $number),
                $number <= 0xFFFFFFFF => \pack('CN', 0xCE, $number),
                default => \pack('CJ', 0xCF, $number),
            },
            $number >= -0x20 => \chr(0x100 + $number),
            $number >= -0x80 => \pack('CC', 0xD0, $number & 0xFF),
            $number >= -0x8000 => \pack('Cn', 0xD1, $number & 0xFFFF),
            $number >= -0x80000000 => \pack('CN', 0xD2, $number & 0xFFFFFFFF),
            default => \pack('CJ', 0xD3, $number),
        };
    }

    /** @param array<array-key, mixed> $items */
    private static function collection(array $items, bool $isList, int $depth): string
    {
        if (++$depth > MessagePack::MAX_DEPTH) {
            throw new EncodingException('nested deeper than ' . MessagePack::MAX_DEPTH . ' arrays');
        }
        $count = \count($items);
        $bytes = match (true) {
            $count < 16 => \chr(($isList ? 0x90 : 0x80) | $count),
            $count <= 0xFFFF => \pack('Cn', $isList ? 0xDC : 0xDE, $count),
            default => \pack('CN', $isList ? 0xDD : 0xDF, $count),
        };
        foreach ($items as $key => $item) {
            try {
                $bytes .= ($isList ? '' : (\is_int($key) ? self::integer($key) : self::text($key))) . self::write($item, $depth);
            } catch (EncodingException $exception) {
                throw $exception->under($key);
            }
        }

        return $bytes;
    }
}
