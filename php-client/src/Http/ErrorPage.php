<?php

declare(strict_types=1);

namespace Rrts\Http;

use Rrts\Internal\StderrLogger;

/**
 * What a client sees of an exception when the master runs with debug on.
 *
 * @internal
 */
final class ErrorPage
{
    public static function of(\Throwable $exception, bool $asHtml): Response
    {
        $text = StderrLogger::describe($exception);
        if (!$asHtml) {
            return Response::text("500 Internal Server Error\n\n{$text}\n", 500);
        }
        $title = \htmlspecialchars($exception::class, \ENT_QUOTES | \ENT_SUBSTITUTE);
        $text = \htmlspecialchars($text, \ENT_QUOTES | \ENT_SUBSTITUTE);

        return Response::html("<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{$title}</title>\n"
            . "<h1>500 Internal Server Error</h1>\n<pre>{$text}</pre>\n</html>\n", 500);
    }
}
