<?php

declare(strict_types=1);

namespace Rrts\Internal;

/**
 * Collects cycles after an answer rather than in the middle of the next request, and only when there is something to
 * collect: PHP itself would start at 10,001 possible roots, wherever that happens to be.
 *
 * @internal
 */
final class GarbageCollector
{
    private int $answers = 0;

    /**
     * @param positive-int $interval answers between two looks at the root buffer
     * @param int $roots possible roots from which on a collection pays
     */
    public function __construct(private readonly int $interval = 32, private readonly int $roots = 2000) {}

    /** To be called when the client has its answer. */
    public function afterAnswer(): void
    {
        if (++$this->answers % $this->interval === 0 && \gc_status()['roots'] >= $this->roots) {
            \gc_collect_cycles();
        }
    }
}
