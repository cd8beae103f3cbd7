<?php

declare(strict_types=1);

namespace Rrts\Protocol;

use Rrts\Exception\ProtocolException;

/**
 * Heads in JSON, for a PHP without ext-msgpack. JSON cannot carry bytes, so every byte is written as the code point of
 * the same number, U+0000 to U+00FF.
 */
final class JsonHeadCodec implements HeadCodecInterface
{
    private const DEPTH = 64;

    /** @var array<string, string> byte to its code point in UTF-8, for the upper half */
    private readonly array $toText;

    /** @var array<string, string> */
    private readonly array $toBytes;

    public function __construct()
    {
        // A table, because mbstring and iconv may be missing and utf8_decode() is deprecated.
        $toText = [];
        for ($byte = 0x80; $byte <= 0xFF; $byte++) {
            $toText[\chr($byte)] = \chr(0xC0 | $byte >> 6) . \chr(0x80 | $byte & 0x3F);
        }
        $this->toText = $toText;
        $this->toBytes = \array_flip($toText);
    }

    public function name(): string
    {
        return 'json';
    }

    public function flag(): int
    {
        return Frame::JSON;
    }

    public function encode(array $head): string
    {
        return \json_encode($this->textOf($head), \JSON_THROW_ON_ERROR | \JSON_UNESCAPED_SLASHES | \JSON_UNESCAPED_UNICODE, self::DEPTH);
    }

    public function decode(string $bytes): array
    {
        $head = \json_decode($bytes, true, self::DEPTH);
        if (!\is_array($head)) {
            throw new ProtocolException('The head is not JSON: ' . \json_last_error_msg() . '.');
        }

        return \preg_match('/[^\x00-\x7f]|\\\\u/', $bytes) === 1 ? $this->bytesOf($head) : $head;
    }

    /**
     * @param array<array-key, mixed> $values
     *
     * @return array<array-key, mixed>
     */
    private function textOf(array $values): array
    {
        $result = [];
        foreach ($values as $key => $value) {
            $result[\is_string($key) ? \strtr($key, $this->toText) : $key] = match (true) {
                \is_string($value) => \strtr($value, $this->toText),
                \is_array($value) => $this->textOf($value),
                default => $value,
            };
        }

        return $result;
    }

    /**
     * @param array<array-key, mixed> $values
     *
     * @return array<array-key, mixed>
     */
    private function bytesOf(array $values): array
    {
        $result = [];
        foreach ($values as $key => $value) {
            $result[\is_string($key) ? $this->byteString($key) : $key] = match (true) {
                \is_string($value) => $this->byteString($value),
                \is_array($value) => $this->bytesOf($value),
                default => $value,
            };
        }

        return $result;
    }

    private function byteString(string $text): string
    {
        if (\preg_match('/[\xC4-\xFF]/', $text) === 1) {
            throw new ProtocolException('The head has a code point above U+00FF.');
        }

        return \strtr($text, $this->toBytes);
    }
}
