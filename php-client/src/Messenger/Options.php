<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Symfony\Component\Messenger\Exception\InvalidArgumentException;

/**
 * What a DSN and the options of a transport say.
 *
 * @internal
 */
final class Options
{
    public const SCHEME = 'rrts://';
    private const KNOWN = ['priority', 'timeout', 'max_attempts', 'retries'];
    /** What Symfony adds by itself. */
    private const SYMFONY = ['transport_name'];
    private const RETRIES = ['server', 'symfony'];

    private function __construct(
        public readonly string $pipeline,
        public readonly JobOptionsStamp $job,
        public readonly bool $symfonyRetries,
    ) {}

    /**
     * @param array<array-key, mixed> $options of the transport; the DSN goes before them
     *
     * @throws InvalidArgumentException with the DSN in it
     */
    public static function of(string $dsn, array $options): self
    {
        if (\preg_match('~^rrts://([^/?#]+)/?(?:\?([^#]*))?$~D', $dsn, $parts) !== 1) {
            throw new InvalidArgumentException("The DSN \"{$dsn}\" names no pipeline: rrts://pipeline expected.");
        }
        \parse_str($parts[2] ?? '', $query);
        $given = $query + \array_diff_key($options, \array_flip(self::SYMFONY));
        $unknown = \array_diff(\array_keys($given), self::KNOWN);
        if ($unknown !== []) {
            throw new InvalidArgumentException("The DSN \"{$dsn}\" has unknown options: " . \implode(', ', $unknown) . '. There are: ' . \implode(', ', self::KNOWN) . '.');
        }
        $retries = $given['retries'] ?? self::RETRIES[0];
        if (!\in_array($retries, self::RETRIES, true)) {
            throw self::wrong($dsn, 'retries', 'be "server" or "symfony"');
        }
        $maxAttempts = self::integer($dsn, $given, 'max_attempts');
        if ($maxAttempts !== null && $maxAttempts < 1) {
            throw self::wrong($dsn, 'max_attempts', 'be at least 1');
        }

        return new self(
            \rawurldecode($parts[1]),
            new JobOptionsStamp(self::integer($dsn, $given, 'priority'), self::seconds($dsn, $given, 'timeout'), $maxAttempts),
            $retries !== self::RETRIES[0],
        );
    }

    /** @param array<array-key, mixed> $given */
    private static function integer(string $dsn, array $given, string $name): ?int
    {
        if (!isset($given[$name])) {
            return null;
        }
        $value = \filter_var($given[$name], \FILTER_VALIDATE_INT);

        return \is_int($value) ? $value : throw self::wrong($dsn, $name, 'be a whole number');
    }

    /** @param array<array-key, mixed> $given */
    private static function seconds(string $dsn, array $given, string $name): ?float
    {
        if (!isset($given[$name])) {
            return null;
        }
        $value = \filter_var($given[$name], \FILTER_VALIDATE_FLOAT);

        return \is_float($value) && $value > 0.0 ? $value : throw self::wrong($dsn, $name, 'be a number of seconds over 0');
    }

    private static function wrong(string $dsn, string $name, string $rule): InvalidArgumentException
    {
        return new InvalidArgumentException("The option {$name} of \"{$dsn}\" must {$rule}.");
    }
}
