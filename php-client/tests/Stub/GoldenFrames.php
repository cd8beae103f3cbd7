<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

/** The frames that the TypeScript tests read too. */
final class GoldenFrames
{
    private const FILE = __DIR__ . '/../../../test/vectors/frames.json';

    /** @return array<string, array{array{name: string, flags: int, stream: int, options: list<int>, payload: string, hex: string}}> */
    public static function valid(): array
    {
        /** @var array{valid: list<array{name: string, flags: int, stream: int, options: list<int>, payload: string, hex: string}>} $golden */
        $golden = self::read();

        return \array_column(\array_map(static fn(array $frame): array => [$frame['name'], [$frame]], $golden['valid']), 1, 0);
    }

    /** @return array<string, array{array{name: string, reason: string, hex: string}}> */
    public static function invalid(): array
    {
        /** @var array{invalid: list<array{name: string, reason: string, hex: string}>} $golden */
        $golden = self::read();

        return \array_column(\array_map(static fn(array $frame): array => [$frame['name'], [$frame]], $golden['invalid']), 1, 0);
    }

    /** The bytes of every valid frame, one after the other. */
    public static function stream(): string
    {
        return \implode('', \array_map(static fn(array $case): string => (string) \hex2bin($case[0]['hex']), self::valid()));
    }

    private static function read(): mixed
    {
        return \json_decode((string) \file_get_contents(self::FILE), true, 16, \JSON_THROW_ON_ERROR);
    }
}
