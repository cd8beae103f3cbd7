<?php

// Random frames and random splits from a seed, for the property tests and the fuzz of the PHP frame decoder.

declare(strict_types=1);

namespace Fixture\Protocol;

use Rrts\Protocol\Frame;

require __DIR__ . '/../../../../php-client/vendor/autoload.php';

\set_error_handler(static function (int $level, string $message, string $file, int $line): never {
    throw new \ErrorException($message, 0, $level, $file, $line);
});

/** Payloads are cut from here: making random bytes anew for each would take most of the time. */
function random_payload(int $length): string
{
    static $pool = null;
    if ($pool === null) {
        $pool = '';
        while (\strlen($pool) < 1 << 19) {
            $pool .= \pack('V', \mt_rand(0, 0xFFFFFFFF));
        }
    }

    return \substr($pool, \mt_rand(0, 300_000), $length);
}

function random_length(): int
{
    return match (\mt_rand(0, 15)) {
        0 => \mt_rand(0, 200_000),
        1, 2, 3 => \mt_rand(0, 5000),
        default => \mt_rand(0, 60),
    };
}

function random_frame(int $length): Frame
{
    $options = [];
    for ($count = \mt_rand(0, 10); $count > 0; $count--) {
        $options[] = \mt_rand(0, 0xFFFFFFFF);
    }

    return new Frame(\mt_rand(0, 255), random_payload($length), $options, \mt_rand(0, 15));
}

/** @return list<string> chunks of one byte to 64 KB; at most about 2000 */
function random_split(string $bytes): array
{
    $most = match (\mt_rand(0, 2)) {
        0 => 16,
        1 => 1500,
        default => 65536,
    };
    $least = \max(1, \intdiv(\strlen($bytes), 2000));
    $chunks = [];
    for ($offset = 0; $offset < \strlen($bytes); $offset += \strlen(\end($chunks))) {
        $chunks[] = \substr($bytes, $offset, \max($least, \mt_rand(1, $most)));
    }

    return $chunks;
}

/** Prints the counts of a run, for the test that started it. */
function report(array $counts): void
{
    echo \json_encode($counts, \JSON_THROW_ON_ERROR), "\n";
}
