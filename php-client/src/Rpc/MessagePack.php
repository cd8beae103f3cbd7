<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\EncodingException;
use Rrts\Exception\ProtocolException;

/**
 * Values of RPC calls as MessagePack, through ext-msgpack where it is loaded; with and without it the bytes and the values
 * are the same.
 *
 * A list becomes an array, any other array a map, an empty array an array, a stdClass a map (the way to send an empty one), every
 * string a `str`, whatever its bytes. Maps come back as arrays. An integer beyond PHP's comes back as its decimal digits. Extension types and
 * other keys than text and integers are refused, and nothing in the bytes ever names a class.
 */
final class MessagePack
{
    /** Arrays within arrays; the same limit as in Node. */
    public const MAX_DEPTH = 128;

    /** First bytes of what the extension would silently read as null. Elsewhere they mean nothing; the reader then takes longer. */
    private const SUSPICIOUS = '/[\xC1\xC7-\xC9\xD4-\xD8]/';

    private static ?self $shared = null;

    private readonly ?\MessagePack $extension;

    /** @var \Closure(): bool */
    private readonly \Closure $noteWarning;

    private bool $warned = false;

    /** @param bool $useExtension false: as on a PHP without ext-msgpack */
    public function __construct(bool $useExtension = true)
    {
        // Not msgpack_unpack(): it follows the ini setting msgpack.php_only, which lets bytes name a class to instantiate.
        $this->extension = $useExtension && \class_exists(\MessagePack::class, false) ? new \MessagePack(false) : null;
        $this->noteWarning = fn(): bool => $this->warned = true;
    }

    /** The codec of this process. */
    public static function shared(): self
    {
        return self::$shared ??= new self();
    }

    /**
     * @param mixed $value null, booleans, numbers, strings, arrays and stdClass of them
     *
     * @throws EncodingException for anything else, and beyond {@see MAX_DEPTH}
     */
    public function encode(mixed $value): string
    {
        if ($this->extension !== null && (\is_string($value) || (\is_array($value) && self::isPlain($value, 1)))) {
            $bytes = $this->extension->pack($value);
            \assert(\is_string($bytes));

            return $bytes;
        }

        return MessagePackWriter::write($value, 0);
    }

    /**
     * @throws ProtocolException when the bytes are not exactly one value
     */
    public function decode(string $bytes): mixed
    {
        $text = self::text($bytes);
        if ($text !== null) {
            return $text;
        }
        if ($this->extension === null || $bytes === '' || \preg_match(self::SUSPICIOUS, $bytes) === 1) {
            return (new MessagePackReader($bytes))->readAll();
        }
        // With a handler, since an application's own one would hear of it even behind an @, and hide it from error_get_last().
        $this->warned = false;
        \set_error_handler($this->noteWarning);
        try {
            // @phpstan-ignore arguments.count (the extension has the second one optional)
            $value = $this->extension->unpack($bytes);
        } finally {
            \restore_error_handler();
        }
        // @phpstan-ignore booleanOr.leftAlwaysFalse (set by the handler)
        if ($this->warned || \is_object($value) || (\is_array($value) && !self::isPlain($value, 1))) {
            // Says what is wrong, or gives arrays where a setting of the extension gives objects.
            return (new MessagePackReader($bytes))->readAll();
        }

        return $value;
    }

    /** The text that the bytes are, if they are a short one: it needs neither the extension nor its guards. */
    private static function text(string $bytes): ?string
    {
        $length = \strlen($bytes);
        $first = $length === 0 ? 0 : \ord($bytes[0]);
        if (($first & 0xE0) === 0xA0) {
            return ($first & 0x1F) === $length - 1 ? \substr($bytes, 1) : null;
        }

        return $first === 0xD9 && $length > 1 && \ord($bytes[1]) === $length - 2 ? \substr($bytes, 2) : null;
    }

    /**
     * Whether the extension does with it what the writer does.
     *
     * @param array<array-key, mixed> $value
     */
    private static function isPlain(array $value, int $depth): bool
    {
        if ($depth > self::MAX_DEPTH) {
            return false;
        }
        foreach ($value as $item) {
            if (\is_array($item) ? !self::isPlain($item, $depth + 1) : \is_object($item) || \is_resource($item)) {
                return false;
            }
        }

        return true;
    }
}
