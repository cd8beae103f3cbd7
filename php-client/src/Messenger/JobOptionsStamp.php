<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Symfony\Component\Messenger\Stamp\StampInterface;

/** What one message asks for, instead of what its transport or its pipeline says. */
final class JobOptionsStamp implements StampInterface
{
    /**
     * @param int|null $priority lower ones are handled first
     * @param float|null $timeout seconds that handling it may take
     * @param int|null $maxAttempts attempts that may fail before it goes to the dead letters
     */
    public function __construct(
        public readonly ?int $priority = null,
        public readonly ?float $timeout = null,
        public readonly ?int $maxAttempts = null,
    ) {}
}
