<?php

// Calls something for some seconds and says how often, and how long a call took.

declare(strict_types=1);

/**
 * @param callable(): void $call
 *
 * @return array{calls: int, seconds: float, p50: int, p99: int} latencies in nanoseconds
 */
function countCalls(callable $call, float $seconds, float $begin): array
{
    for ($i = 0; $i < 200; ++$i) {
        $call();
    }
    usleep(max(0, (int) (($begin - microtime(true)) * 1e6)));
    $took = [];
    $start = $last = hrtime(true);
    $end = $start + (int) ($seconds * 1e9);
    while ($last < $end) {
        $call();
        $now = hrtime(true);
        $took[] = $now - $last;
        $last = $now;
    }
    sort($took);
    $calls = count($took);

    return ['calls' => $calls, 'seconds' => ($last - $start) / 1e9, 'p50' => $took[intdiv($calls, 2)], 'p99' => $took[intdiv($calls * 99, 100)]];
}
