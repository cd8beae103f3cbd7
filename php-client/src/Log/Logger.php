<?php

declare(strict_types=1);

namespace Rrts\Log;

use Psr\Log\AbstractLogger;
use Psr\Log\InvalidArgumentException;
use Psr\Log\LogLevel;
use Rrts\Exception\RrtsException;
use Rrts\Internal\StderrLogger;
use Rrts\Rpc\Rpc;
use Rrts\Rpc\RpcInterface;

/**
 * Writes to the log of the server, with the logger `app`: levels are kept, the context becomes fields of the record. Nobody waits for an
 * answer. When the server cannot be reached a record goes to stderr, which is in the log too; no call throws for that.
 */
final class Logger extends AbstractLogger
{
    /** The server's levels. What PSR-3 tells apart beyond them is in the field `severity`. */
    private const METHODS = [
        LogLevel::EMERGENCY => 'Error',
        LogLevel::ALERT => 'Error',
        LogLevel::CRITICAL => 'Error',
        LogLevel::ERROR => 'Error',
        LogLevel::WARNING => 'Warning',
        LogLevel::NOTICE => 'Info',
        LogLevel::INFO => 'Info',
        LogLevel::DEBUG => 'Debug',
    ];

    private const FINER = [LogLevel::EMERGENCY, LogLevel::ALERT, LogLevel::CRITICAL, LogLevel::NOTICE];

    private readonly RpcInterface $rpc;

    private readonly StderrLogger $stderr;

    /** @param RpcInterface|null $rpc the way to the server; null for that of this process */
    public function __construct(?RpcInterface $rpc = null)
    {
        $this->rpc = $rpc ?? Rpc::fromEnvironment();
        $this->stderr = new StderrLogger();
    }

    /**
     * Logs one record. `{name}` in the message is replaced by the value of that name in the context.
     *
     * @param mixed $level one of Psr\Log\LogLevel
     * @param mixed $message string or Stringable; untyped, because psr/log 1 does not type it
     * @param array<array-key, mixed> $context
     *
     * @throws InvalidArgumentException for a level that PSR-3 does not know
     */
    public function log($level, mixed $message, array $context = []): void
    {
        $method = \is_string($level) ? self::METHODS[$level] ?? null : null;
        if ($method === null) {
            throw new InvalidArgumentException('There is no such level: ' . (\is_string($level) ? $level : \get_debug_type($level)));
        }
        $fields = \array_map(self::text(...), $context);
        $text = self::interpolate(self::text($message), $fields);
        if (\in_array($level, self::FINER, true)) {
            $fields['severity'] = $level;
        }

        try {
            if ($fields === []) {
                $this->rpc->notify("app.{$method}", $text);
            } else {
                $this->rpc->notify("app.{$method}WithContext", ['message' => $text, 'log_attrs' => self::attributes($fields)]);
            }
        } catch (RrtsException) {
            $this->stderr->log($level, $text, $context);
        }
    }

    /** @param array<array-key, string> $fields */
    private static function interpolate(string $message, array $fields): string
    {
        if (!\str_contains($message, '{')) {
            return $message;
        }
        $pairs = [];
        foreach ($fields as $name => $value) {
            $pairs['{' . $name . '}'] = $value;
        }

        return \strtr($message, $pairs);
    }

    /**
     * @param array<array-key, string> $fields
     *
     * @return list<array{key: string, value: string}>
     */
    private static function attributes(array $fields): array
    {
        $attributes = [];
        foreach ($fields as $name => $value) {
            $attributes[] = ['key' => self::valid((string) $name), 'value' => $value];
        }

        return $attributes;
    }

    /** Any value as text in UTF-8. */
    private static function text(mixed $value): string
    {
        return self::valid(match (true) {
            \is_string($value) => $value,
            $value instanceof \Throwable => StderrLogger::describe($value),
            $value instanceof \Stringable => (string) $value,
            $value instanceof \DateTimeInterface => $value->format(\DATE_RFC3339_EXTENDED),
            \is_object($value) && !$value instanceof \JsonSerializable => $value::class,
            default => (string) \json_encode($value, \JSON_UNESCAPED_SLASHES | \JSON_UNESCAPED_UNICODE | \JSON_INVALID_UTF8_SUBSTITUTE | \JSON_PARTIAL_OUTPUT_ON_ERROR),
        });
    }

    private static function valid(string $text): string
    {
        if (\preg_match('//u', $text) === 1) {
            return $text;
        }
        $decoded = \json_decode((string) \json_encode($text, \JSON_INVALID_UTF8_SUBSTITUTE));

        return \is_string($decoded) ? $decoded : '';
    }
}
