<?php

// What every row of the case "jobs" does with a job: it reads a small order, works a little, and leaves one byte in a file of its process.

declare(strict_types=1);

final class BenchJob
{
    public function __construct(public readonly string $payload) {}
}

function run_job(string $payload): void
{
    static $file = null;
    static $sum = '';
    if ($file === null) {
        $file = fopen(getenv('BENCH_COUNT') . '/' . getmypid(), 'ab');
        stream_set_write_buffer($file, 0);
    }
    $order = json_decode($payload, true, 16, \JSON_THROW_ON_ERROR);
    $sum = hash('sha256', $sum . $order['id'] . $order['to'] . $order['text']);
    fwrite($file, '.');
}
