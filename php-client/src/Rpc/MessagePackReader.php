<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\ProtocolException;

/**
 * MessagePack to a value, for {@see MessagePack}. Trusts no length: what the bytes announce must fit into what follows, so
 * time and memory are bounded by the input.
 *
 * @internal
 */
final class MessagePackReader
{
    private int $offset = 0;

    private readonly int $length;

    public function __construct(private readonly string $bytes)
    {
        $this->length = \strlen($bytes);
    }

    /**
     * The one value that the bytes are.
     *
     * @throws ProtocolException
     */
    public function readAll(): mixed
    {
        $value = $this->read(0);
        if ($this->offset !== $this->length) {
            throw $this->fault('bytes after the value');
        }

        return $value;
    }

    private function read(int $depth): mixed
    {
        $byte = \ord($this->take(1));

        return match (true) {
            $byte < 0x80 => $byte,
            $byte < 0x90 => $this->map($byte & 0x0F, $depth),
            $byte < 0xA0 => $this->list($byte & 0x0F, $depth),
            $byte < 0xC0 => $this->take($byte & 0x1F),
            $byte >= 0xE0 => $byte - 0x100,
            default => match ($byte) {
                0xC0 => null,
                0xC2 => false,
                0xC3 => true,
                0xC4, 0xD9 => $this->take($this->unsigned(1)),
                0xC5, 0xDA => $this->take($this->unsigned(2)),
                0xC6, 0xDB => $this->take($this->unsigned(4)),
                0xCA => $this->float('G', 4),
                0xCB => $this->float('E', 8),
                0xCC => $this->unsigned(1),
                0xCD => $this->unsigned(2),
                0xCE => $this->unsigned(4),
                0xCF => ($number = $this->unsigned(8)) < 0 ? \sprintf('%u', $number) : $number,
                0xD0 => $this->signed(1),
                0xD1 => $this->signed(2),
                0xD2 => $this->signed(4),
                0xD3 => $this->unsigned(8),
                0xDC => $this->list($this->unsigned(2), $depth),
                0xDD => $this->list($this->unsigned(4), $depth),
                0xDE => $this->map($this->unsigned(2), $depth),
                0xDF => $this->map($this->unsigned(4), $depth),
                0xC1 => throw $this->fault('byte 0xc1, which begins nothing'),
                default => throw $this->fault('an extension type'),
            },
        };
    }

    /** @return list<mixed> */
    private function list(int $count, int $depth): array
    {
        $this->enter($count, $depth);
        $list = [];
        for (; $count > 0; $count--) {
            $list[] = $this->read($depth + 1);
        }

        return $list;
    }

    /** @return array<array-key, mixed> */
    private function map(int $count, int $depth): array
    {
        $this->enter(2 * $count, $depth);
        $map = [];
        for (; $count > 0; $count--) {
            $key = $this->read($depth + 1);
            if (!\is_string($key) && !\is_int($key)) {
                throw $this->fault('a key that is neither text nor an integer');
            }
            $map[$key] = $this->read($depth + 1);
        }

        return $map;
    }

    /** A value has a byte at least. */
    private function enter(int $values, int $depth): void
    {
        if ($depth >= MessagePack::MAX_DEPTH) {
            throw $this->fault('nested deeper than ' . MessagePack::MAX_DEPTH . ' arrays');
        }
        if ($values > $this->length - $this->offset) {
            throw $this->fault('an array of more values than there are bytes');
        }
    }

    private function take(int $length): string
    {
        if ($length > $this->length - $this->offset) {
            throw $this->fault('the end comes too early');
        }
        $part = \substr($this->bytes, $this->offset, $length);
        $this->offset += $length;

        return $part;
    }

    /** Eight bytes wrap: the upper half comes out negative. */
    private function unsigned(int $length): int
    {
        $bytes = $this->take($length);
        $number = 0;
        for ($i = 0; $i < $length; $i++) {
            $number = $number << 8 | \ord($bytes[$i]);
        }

        return $number;
    }

    private function signed(int $length): int
    {
        $number = $this->unsigned($length);
        $sign = 1 << ($length * 8 - 1);

        return ($number & $sign) === 0 ? $number : $number - 2 * $sign;
    }

    private function float(string $format, int $length): float
    {
        /** @var array{1: float} $number */
        $number = \unpack($format, $this->take($length));

        return $number[1];
    }

    private function fault(string $reason): ProtocolException
    {
        return new ProtocolException("Not a MessagePack value: {$reason}, at byte {$this->offset} of {$this->length}.");
    }
}
