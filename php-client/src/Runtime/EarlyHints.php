<?php

declare(strict_types=1);

namespace Rrts\Runtime;

use Rrts\Http\HttpWorker;
use Symfony\Component\HttpFoundation\Response;

/**
 * Makes Symfony's early hints work. Symfony sends them with header() and then headers_send(), a function of FrankenPHP;
 * the command line binary forgets what header() is told, so the headers are taken from the response that calls.
 *
 * @internal
 */
final class EarlyHints
{
    private static ?HttpWorker $worker = null;

    public static function enable(HttpWorker $worker): void
    {
        self::$worker = $worker;
        if (!\function_exists('headers_send')) {
            require __DIR__ . '/headers_send.php';
        }
    }

    /** @param int $status 100 to 199 */
    public static function send(int $status): void
    {
        foreach (\debug_backtrace(\DEBUG_BACKTRACE_PROVIDE_OBJECT | \DEBUG_BACKTRACE_IGNORE_ARGS, 4) as $call) {
            $response = $call['object'] ?? null;
            if ($response instanceof Response) {
                self::$worker?->inform($status, self::headers($response));

                return;
            }
        }
    }

    /** @return array<string, list<string>> */
    private static function headers(Response $response): array
    {
        $headers = [];
        foreach ($response->headers->allPreserveCaseWithoutCookies() as $name => $values) {
            // Symfony gives every response these two; a hint about caching the hint helps nobody.
            if (\is_array($values) && !\in_array(\strtolower((string) $name), ['cache-control', 'date'], true)) {
                $headers[(string) $name] = \array_values(\array_filter($values, \is_string(...)));
            }
        }

        return $headers;
    }
}
