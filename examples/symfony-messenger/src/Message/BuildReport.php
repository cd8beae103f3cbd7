<?php

// A report to build. It goes to Redis, by Messenger's own transport.

declare(strict_types=1);

namespace App\Message;

final class BuildReport
{
    public function __construct(public readonly string $name) {}
}
