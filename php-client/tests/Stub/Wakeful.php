<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

/** Notices when somebody unserializes it. */
final class Wakeful
{
    public static int $wakeups = 0;

    public string $x = '';

    public function __wakeup(): void
    {
        self::$wakeups++;
    }
}
