<?php

declare(strict_types=1);

namespace Rrts\Node;

use Rrts\Exception\RpcException;
use Rrts\Rpc\Call;
use Rrts\Rpc\Handles;

/**
 * Results of calls to what PHP gets; docs/protocol.md section 5.
 *
 * @internal
 */
final class ValueReader
{
    private const DATE = '/^([+-]?\d{4,6})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z$/D';

    public function __construct(private readonly Bridge $bridge, private readonly Handles $handles) {}

    /** @throws RpcException for a form that this package does not know */
    public function read(mixed $value): mixed
    {
        if (!\is_array($value)) {
            return $value;
        }
        if (\array_key_first($value) === Call::MARK) {
            return $this->special($value[Call::MARK], $value);
        }
        foreach ($value as $key => $item) {
            if (\is_array($item)) {
                $value[$key] = $this->read($item);
            }
        }

        return $value;
    }

    /** @param array<array-key, mixed> $map */
    private function special(mixed $kind, array $map): mixed
    {
        $value = $map['value'] ?? null;
        if ($kind === 'object' && isset($map['id']) && \is_int($map['id'])) {
            return Handle::receive($this->bridge, $this->handles, $map['id'], isset($map['class']) && \is_string($map['class']) ? $map['class'] : 'object');
        }
        if ($kind === 'map' && \is_array($value)) {
            return $this->map($value);
        }
        if (\is_string($value)) {
            switch ($kind) {
                case 'bytes':
                    return $value;
                case 'int':
                    return (string) (int) $value === $value ? (int) $value : new BigInteger($value);
                case 'date':
                    return self::date($value);
            }
        }

        throw self::fault(\is_string($kind) ? $kind : \get_debug_type($kind));
    }

    /**
     * @param array<array-key, mixed> $pairs
     *
     * @return array<array-key, mixed>
     */
    private function map(array $pairs): array
    {
        $map = [];
        foreach ($pairs as $pair) {
            $key = \is_array($pair) ? $pair[0] ?? null : null;
            if (!\is_array($pair) || !\is_string($key) && !\is_int($key)) {
                throw self::fault('map');
            }
            $map[$key] = $this->read($pair[1] ?? null);
        }

        return $map;
    }

    private static function date(string $text): \DateTimeImmutable
    {
        if (\preg_match(self::DATE, $text, $match) !== 1) {
            throw self::fault("date {$text}");
        }

        // Part by part: the parser of PHP takes years of four digits only.
        return (new \DateTimeImmutable('1970-01-01', new \DateTimeZone('UTC')))
            ->setDate((int) $match[1], (int) $match[2], (int) $match[3])
            ->setTime((int) $match[4], (int) $match[5], (int) $match[6], (int) \str_pad($match[7] ?? '', 6, '0'));
    }

    private static function fault(string $kind): RpcException
    {
        return new RpcException("The result has a value of a kind that this package does not know: {$kind}", 'ERR_RPC_RESULT', 'bridge.Call');
    }
}
