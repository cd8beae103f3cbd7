<?php

declare(strict_types=1);

namespace Rrts\Node;

use Rrts\Exception\EncodingException;
use Rrts\Exception\NodeException;
use Rrts\Rpc\Call;
use Rrts\Rpc\Handles;
use Rrts\Rpc\MessagePack;
use Rrts\Rpc\MessagePackWriter;

/**
 * Arguments of one call in a form that MessagePack has; docs/protocol.md section 5.
 *
 * @internal
 */
final class ValueWriter
{
    /** The connection of the objects among the values; null without any. */
    public ?Handles $handles;

    public function __construct(private readonly string $label, private readonly string $method, ?Handles $handles)
    {
        $this->handles = $handles;
    }

    /**
     * @throws EncodingException for what has no form in Node
     * @throws NodeException for an object that Node does not have any more
     */
    public function write(mixed $value, int $depth = 0): mixed
    {
        if (\is_array($value)) {
            return $this->items($value, $depth);
        }
        if (\is_object($value)) {
            return $this->object($value, $depth);
        }
        if ($value === null || \is_scalar($value)) {
            return $value;
        }

        throw new EncodingException(MessagePackWriter::describe($value) . ' cannot be sent');
    }

    /**
     * @param array<array-key, mixed> $items
     *
     * @return array<array-key, mixed>
     */
    private function items(array $items, int $depth): array
    {
        if ($depth >= MessagePack::MAX_DEPTH) {
            throw new EncodingException('nested deeper than ' . MessagePack::MAX_DEPTH . ' arrays');
        }
        $written = [];
        foreach ($items as $key => $item) {
            try {
                $written[$key] = $item === null || \is_scalar($item) ? $item : $this->write($item, $depth + 1);
            } catch (EncodingException $exception) {
                throw $exception->under($key);
            }
        }
        if (\array_key_first($written) !== Call::MARK) {
            return $written;
        }
        // An array of the user that looks like one of ours.
        $pairs = [];
        foreach ($written as $key => $item) {
            $pairs[] = [$key, $item];
        }

        return [Call::MARK => 'map', 'value' => $pairs];
    }

    private function object(object $value, int $depth): mixed
    {
        return match (true) {
            $value instanceof NodeObject => $this->handle(Handle::of($value)),
            $value instanceof \DateTimeInterface => [Call::MARK => 'date', 'value' => self::date($value)],
            $value instanceof Bytes => [Call::MARK => 'bytes', 'value' => $value->bytes],
            $value instanceof BigInteger => [Call::MARK => 'int', 'value' => $value->digits],
            $value instanceof \GMP => [Call::MARK => 'int', 'value' => \gmp_strval($value)],
            $value instanceof \BackedEnum => $value->value,
            $value instanceof \JsonSerializable => $this->serializable($value, $depth),
            $value::class === \stdClass::class => $this->map($value, $depth),
            default => throw new EncodingException(MessagePackWriter::describe($value) . ' cannot be sent'),
        };
    }

    private function serializable(\JsonSerializable $value, int $depth): mixed
    {
        if ($depth >= MessagePack::MAX_DEPTH) {
            throw new EncodingException('nested deeper than ' . MessagePack::MAX_DEPTH . ' arrays');
        }

        return $this->write($value->jsonSerialize(), $depth + 1);
    }

    /** Stays an object where an array would be taken for a list. */
    private function map(\stdClass $value, int $depth): mixed
    {
        $items = $this->items((array) $value, $depth);

        return \array_is_list($items) ? (object) $items : $items;
    }

    /** @return array<string, mixed> */
    private function handle(Handle $handle): array
    {
        $handle->expectGood($this->label, $this->method);
        if ($this->handles !== null && $this->handles !== $handle->handles) {
            throw new EncodingException("a {$handle->class} of another connection cannot be sent");
        }
        $this->handles = $handle->handles;

        return [Call::MARK => 'object', 'id' => $handle->id];
    }

    /** As JavaScript writes it; years beyond 9999 have six digits and a sign. */
    private static function date(\DateTimeInterface $date): string
    {
        $date = \DateTimeImmutable::createFromInterface($date)->setTimezone(new \DateTimeZone('UTC'));
        $year = (int) $date->format('Y');

        return ($year >= 0 && $year <= 9999 ? \sprintf('%04d', $year) : \sprintf('%+07d', $year)) . $date->format('-m-d\TH:i:s.v\Z');
    }
}
