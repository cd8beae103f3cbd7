<?php

declare(strict_types=1);

namespace Rrts\Internal;

use Psr\Log\AbstractLogger;

/**
 * Writes to stderr, which the master turns into log lines.
 *
 * @internal
 */
final class StderrLogger extends AbstractLogger
{
    /** @var resource|null own descriptor, so that fclose(STDERR) in user code silences only user code */
    private $stream;

    public function __construct()
    {
        $stream = \fopen('php://stderr', 'wb');
        $this->stream = $stream === false ? null : $stream;
    }

    /**
     * @param mixed $level
     * @param mixed $message string or Stringable; untyped, because psr/log 1 does not type it
     * @param array<array-key, mixed> $context only the key exception is shown
     */
    public function log($level, mixed $message, array $context = []): void
    {
        $text = \is_string($message) || $message instanceof \Stringable ? (string) $message : \get_debug_type($message);
        $exception = $context['exception'] ?? null;
        $this->write(\rtrim($text . ($exception instanceof \Throwable ? ' ' . self::describe($exception) : '')) . "\n");
    }

    /** Writes bytes as they are. */
    public function write(string $bytes): void
    {
        if ($this->stream !== null) {
            @\fwrite($this->stream, $bytes);
        }
    }

    /** Class, message, place and trace of an exception and of the ones that caused it. */
    public static function describe(\Throwable $exception): string
    {
        $text = self::summarize($exception) . "\n" . $exception->getTraceAsString();

        return $exception->getPrevious() === null ? $text : $text . "\nCaused by " . self::describe($exception->getPrevious());
    }

    /** Class, message and place on one line. */
    public static function summarize(\Throwable $exception): string
    {
        return $exception::class . ': ' . $exception->getMessage() . ' at ' . $exception->getFile() . ':' . $exception->getLine();
    }
}
