<?php

declare(strict_types=1);

namespace Rrts\Tests\Project;

use Symfony\Contracts\Service\ResetInterface;

/** State that must not outlive a request. */
final class Counter implements ResetInterface
{
    private int $count = 0;

    public function next(): int
    {
        return ++$this->count;
    }

    public function reset(): void
    {
        $this->count = 0;
    }
}
