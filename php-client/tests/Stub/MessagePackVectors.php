<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

/** The values that the TypeScript tests read too. */
final class MessagePackVectors
{
    private const FILE = __DIR__ . '/../../../test/vectors/message-pack.json';

    /** @return iterable<string, array{string, mixed, bool}> the bytes, the value, and whether PHP writes it so */
    public static function values(): iterable
    {
        foreach (self::read()['values'] as $case) {
            yield $case['name'] => [(string) \hex2bin($case['hex']), self::value($case['value']), $case['php'] ?? true];
        }
    }

    /** @return iterable<string, array{string}> */
    public static function refused(): iterable
    {
        foreach (self::read()['refused'] as $case) {
            yield $case['name'] => [\hex2bin(\str_repeat($case['hex'], $case['times'] ?? 1)) . \hex2bin($case['then'] ?? '')];
        }
    }

    /** What a value of the file stands for. */
    private static function value(mixed $value): mixed
    {
        if (!\is_array($value)) {
            return $value;
        }
        if (\array_is_list($value)) {
            return \array_map(self::value(...), $value);
        }
        if (isset($value['map'])) {
            /** @var list<array{array-key, mixed}> $pairs */
            $pairs = $value['map'];

            return \array_combine(\array_column($pairs, 0), \array_map(self::value(...), \array_column($pairs, 1)));
        }
        $text = \current($value);
        \assert(\is_string($text));

        return match (\key($value)) {
            'int' => (string) (int) $text === $text ? (int) $text : $text,
            'float' => match ($text) {
                'nan' => \NAN,
                'inf' => \INF,
                '-inf' => -\INF,
                default => (float) $text,
            },
            'bytes' => (string) \hex2bin($text),
            default => throw new \LogicException('Not a kind of value: ' . \key($value)),
        };
    }

    /** @return array{values: list<array{name: string, hex: string, value: mixed, php?: bool}>, refused: list<array{name: string, hex: string, times?: int, then?: string}>} */
    private static function read(): array
    {
        // @phpstan-ignore return.type (the file is ours)
        return \json_decode((string) \file_get_contents(self::FILE), true, 32, \JSON_THROW_ON_ERROR);
    }
}
