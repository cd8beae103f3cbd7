<?php

declare(strict_types=1);

namespace Rrts\Runtime;

/**
 * Keeps PHP's one session per process from reaching the next request.
 *
 * The id comes from the request's cookie and goes into the response's cookie through Symfony's SessionListener, because
 * the command line binary neither reads nor writes cookies.
 *
 * @internal
 */
final class SessionIsolation
{
    private readonly bool $isAvailable;

    public function __construct()
    {
        $this->isAvailable = \function_exists('session_id');
        if ($this->isAvailable) {
            \ini_set('session.use_cookies', '0');
            \ini_set('session.cache_limiter', '');
        }
    }

    /** To be called when a request is over. */
    public function reset(): void
    {
        if (!$this->isAvailable || \session_id() === '') {
            return;
        }
        // Open still when the request failed before the listener could save.
        if (\session_status() === \PHP_SESSION_ACTIVE) {
            try {
                \session_write_close();
                // @phpstan-ignore catch.neverThrown (a session handler in PHP may throw anything)
            } catch (\Throwable) {
                // The handler was at fault, and its request has been answered; the next one opens its own.
            }
        }
        $_SESSION = [];
        \session_id('');
    }
}
