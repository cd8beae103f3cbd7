<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Rrts\Jobs\Unrecoverable;
use Symfony\Component\Messenger\Exception\HandlerFailedException;
use Symfony\Component\Messenger\Exception\NoHandlerForMessageException;
use Symfony\Component\Messenger\Exception\RecoverableExceptionInterface;
use Symfony\Component\Messenger\Exception\UnrecoverableExceptionInterface;

/**
 * What follows from the exception of a bus, by the rules of Messenger: one handler that says "again" decides, and only when all say "never" it is never.
 *
 * @internal
 */
final class Verdict
{
    private function __construct(
        /** What to tell of it: the exception of the handler, without Messenger's wrapping. */
        public readonly \Throwable $cause,
        /** Run it again, whatever the attempts. */
        public readonly bool $isRecoverable,
        /** Do not run it again. */
        public readonly bool $isUnrecoverable,
        /** Seconds until it is run again, when the exception says so. */
        public readonly ?float $delay,
    ) {}

    public static function of(\Throwable $exception): self
    {
        $causes = $exception instanceof HandlerFailedException ? self::causesOf($exception) : [];
        foreach ([$exception, ...$causes] as $one) {
            if ($one instanceof RecoverableExceptionInterface) {
                return new self($one, true, false, self::delayOf($one));
            }
        }
        $never = \array_filter($causes === [] ? [$exception] : $causes, self::isNever(...));

        return new self($causes[0] ?? $exception, false, self::isNever($exception) || \count($never) === \max(1, \count($causes)), null);
    }

    private static function isNever(\Throwable $exception): bool
    {
        return $exception instanceof UnrecoverableExceptionInterface || $exception instanceof Unrecoverable || $exception instanceof NoHandlerForMessageException;
    }

    /**
     * The exceptions of the handlers; the exception itself when no handler has thrown it.
     *
     * @return list<\Throwable>
     */
    public static function causesOf(\Throwable $exception): array
    {
        if (!$exception instanceof HandlerFailedException) {
            return [$exception];
        }
        // Messenger 6.4 has a new name for it, and Messenger 7 only that.
        $nested = \method_exists($exception, 'getWrappedExceptions') ? $exception->getWrappedExceptions() : $exception->getNestedExceptions();

        return \is_array($nested) ? \array_values(\array_filter($nested, static fn(mixed $one): bool => $one instanceof \Throwable)) : [];
    }

    /** Messenger 7.2 has a delay in milliseconds there. */
    private static function delayOf(\Throwable $exception): ?float
    {
        $delay = \method_exists($exception, 'getRetryDelay') ? $exception->getRetryDelay() : null;

        return \is_int($delay) && $delay >= 0 ? $delay / 1000 : null;
    }
}
