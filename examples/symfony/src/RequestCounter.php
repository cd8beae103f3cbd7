<?php

// Counts twice: in a static, which a long-lived worker keeps, and in a service, which Symfony resets.

declare(strict_types=1);

namespace App;

use Symfony\Contracts\Service\ResetInterface;

final class RequestCounter implements ResetInterface
{
    private static int $inThisWorker = 0;

    private int $inThisRequest = 0;

    public static function inThisWorker(): int
    {
        return self::$inThisWorker;
    }

    public function count(): void
    {
        ++self::$inThisWorker;
        ++$this->inThisRequest;
    }

    public function inThisRequest(): int
    {
        return $this->inThisRequest;
    }

    public function reset(): void
    {
        $this->inThisRequest = 0;
    }
}
