<?php

declare(strict_types=1);

namespace Rrts\Http;

/**
 * Strings to the array shapes that PHP gives $_GET, $_POST, $_COOKIE and $_FILES.
 *
 * @internal
 */
final class PhpVariables
{
    /** @return array<array-key, mixed> */
    public static function parse(string $encoded): array
    {
        if ($encoded === '') {
            return [];
        }
        // Over max_input_vars parse_str() warns; a handler that turns warnings into exceptions must not see it.
        \set_error_handler(static fn(): bool => true);
        try {
            \parse_str($encoded, $values);
        } finally {
            \restore_error_handler();
        }

        return $values;
    }

    /** @return array<array-key, mixed> */
    public static function cookies(string $header): array
    {
        $cookies = [];
        foreach ($header === '' ? [] : \explode(';', $header) as $pair) {
            [$name, $value] = \explode('=', \ltrim($pair), 2) + [1 => ''];
            if ($name === '') {
                continue;
            }
            $value = \rawurldecode($value);
            if (\strpbrk($name, " .[\0\t") === false) {
                $cookies[$name] ??= $value;
            } else {
                $cookies += self::mangledCookie($name, $value);
            }
        }

        return $cookies;
    }

    /**
     * The tree of uploads by field name.
     *
     * @param list<array{string, UploadedFile}> $uploads field name and file
     *
     * @return array<array-key, mixed>
     */
    public static function files(array $uploads): array
    {
        $encoded = [];
        $files = [];
        foreach ($uploads as $index => [$field, $file]) {
            if (self::isBalanced($field)) {
                $encoded[] = \rawurlencode($field) . '=' . $index;
                $files[$index] = $file;
            }
        }
        $tree = self::parse(\implode('&', $encoded));
        \array_walk_recursive($tree, static function (mixed &$leaf) use ($files): void {
            $leaf = $files[(int) (\is_string($leaf) ? $leaf : 0)];
        });

        return $tree;
    }

    /** @return array<array-key, mixed> */
    private static function mangledCookie(string $name, string $value): array
    {
        $parsed = self::parse(\rawurlencode($name) . '=' . \rawurlencode($value));
        // "..Host-x" must not become "__Host-x", a name that browsers protect; PHP refuses it too.
        $mangled = (string) \array_key_first($parsed);

        return \str_starts_with($mangled, '__Host-') || \str_starts_with($mangled, '__Secure-') ? [] : $parsed;
    }

    /** PHP drops an upload whose field name has brackets that do not match; parse_str() would keep it. */
    private static function isBalanced(string $field): bool
    {
        $open = 0;
        $length = \strlen($field);
        for ($i = 0; $i < $length; $i++) {
            if ($field[$i] === '[') {
                $open++;
            } elseif ($field[$i] === ']') {
                $open--;
                if ($i + 1 < $length && $field[$i + 1] !== '[') {
                    return false;
                }
            }
            if ($open < 0) {
                return false;
            }
        }

        return $open === 0 && $field !== '';
    }
}
