<?php

declare(strict_types=1);

namespace Rrts\Jobs;

/**
 * What the server is told of a failure.
 *
 * @internal
 */
final class Failure
{
    /** Bytes of a message. */
    private const LIMIT = 4096;

    /** @return array{message: string, class?: string} */
    public static function head(string|\Throwable $reason): array
    {
        return \is_string($reason) ? ['message' => self::cut($reason)] : ['message' => self::cut(self::describe($reason)), 'class' => \get_debug_type($reason)];
    }

    private static function describe(\Throwable $exception): string
    {
        return \get_debug_type($exception) . ": {$exception->getMessage()} in {$exception->getFile()}:{$exception->getLine()}";
    }

    /** Not in the middle of a letter: the server shows what is not UTF-8 byte by byte. */
    private static function cut(string $text): string
    {
        return \strlen($text) <= self::LIMIT ? $text : \preg_replace('/[\xC0-\xFF][\x80-\xBF]*$/D', '', \substr($text, 0, self::LIMIT)) . ' ...';
    }
}
