<?php

// P02 on the PHP side: php decoder-fuzz.php SEED MILLISECONDS. Prints its counts.

declare(strict_types=1);

namespace Fixture\Protocol;

use Rrts\Exception\ProtocolException;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;

require __DIR__ . '/lib.php';

/** Largest payload that the decoder under test takes. */
const MAX_PAYLOAD = 1 << 20;
/** Largest input: a read of the worker is not longer. */
const MAX_INPUT = 32768;
/** Most that one input may take, in milliseconds of processor time; one that took longer is tried again. */
const LIMIT_MS = 5;
const ATTEMPTS = 5;
const LIES = [0, 1, 2, 11, 12, 255, 256, 65535, MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF];
const UNITS = ["\x13", "\x1d\x00", "\x14\x14\x14\x14", "\x13\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"];

function input_length(): int
{
    return \mt_rand(0, [16, 64, 64, 600, 600, 4000, MAX_INPUT][\mt_rand(0, 6)]);
}

function frames(): string
{
    $bytes = '';
    for ($count = \mt_rand(1, 5); $count > 0; $count--) {
        $bytes .= FrameCodec::encode(random_frame(\mt_rand(0, 300)));
    }

    return $bytes;
}

function mutated(): string
{
    $bytes = frames();
    for ($count = \mt_rand(1, 6); $count > 0 && $bytes !== ''; $count--) {
        $at = \mt_rand(0, \strlen($bytes) - 1);
        $length = \mt_rand(0, 20);
        $bytes = match (\mt_rand(0, 3)) {
            0 => \substr_replace($bytes, \chr(\ord($bytes[$at]) ^ 1 << \mt_rand(0, 7)), $at, 1),
            1 => \substr($bytes, 0, $at) . \substr($bytes, $at + $length),
            2 => \substr($bytes, 0, $at) . random_payload($length) . \substr($bytes, $at),
            default => \substr($bytes, 0, $at) . \substr($bytes, $at, $length) . \substr($bytes, $at),
        };
    }

    return $bytes;
}

/** A header that is right in itself, but for what it says of options or payload. */
function lying(bool $aboutOptions): string
{
    $bytes = frames();
    if ($aboutOptions) {
        $bytes[0] = \chr(\mt_rand(0, 255));
    } else {
        $length = \mt_rand(0, 1) === 0 ? LIES[\mt_rand(0, \count(LIES) - 1)] : \mt_rand(0, 0xFFFFFFFF);
        $bytes = \substr_replace($bytes, \pack('V', $length), 2, 4);
    }

    return \substr_replace($bytes, \pack('V', \crc32(\substr($bytes, 0, 6))), 6, 4) . frames();
}

/** The same few bytes over and over: headers of nothing, or what looks like the start of one. */
function alike(): string
{
    $units = [...UNITS, FrameCodec::encode(new \Rrts\Protocol\Frame(0)), FrameCodec::encode(new \Rrts\Protocol\Frame(16, 'xy', [2]))];

    return \substr(\str_repeat($units[\mt_rand(0, \count($units) - 1)], 6000), 0, input_length());
}

function fuzz_input(): string
{
    $bytes = match (\mt_rand(0, 7)) {
        0 => random_payload(input_length()),
        1, 2 => mutated(),
        3 => (static fn(string $bytes): string => \substr($bytes, 0, \mt_rand(0, \strlen($bytes) - 1)))(frames()),
        4 => lying(false),
        5 => lying(true),
        6 => frames() . \substr(\str_repeat("PHP Warning:  Undefined variable \$x on line 3\n", 20), 0, \mt_rand(0, 900)) . frames(),
        default => alike(),
    };

    return \substr($bytes, 0, MAX_INPUT);
}

/** @param list<string> $chunks */
function feed(array $chunks, array &$counts): void
{
    $decoder = new FrameDecoder(MAX_PAYLOAD);
    try {
        foreach ($chunks as $chunk) {
            $decoder->push($chunk);
            while ($decoder->next() !== null) {
                $counts['frames']++;
            }
            if ($decoder->missing() > MAX_PAYLOAD + 52) {
                throw new \LogicException("it waits for {$decoder->missing()} bytes");
            }
        }
    } catch (ProtocolException $fault) {
        $counts['refused']++;
        foreach (['push', 'next'] as $call) {
            try {
                $call === 'push' ? $decoder->push('x') : $decoder->next();
            } catch (ProtocolException $again) {
                if ($again === $fault) {
                    continue;
                }
            }
            throw new \LogicException("{$call} goes on after a fault");
        }

        return;
    }
    $counts['incomplete'] += $decoder->isAtBoundary() ? 0 : 1;
}

function processor_ms(): float
{
    $usage = \getrusage();

    return ($usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']) * 1000 + ($usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec']) / 1000;
}

function resident_mb(): float
{
    \gc_collect_cycles();

    return (int) \explode(' ', (string) \file_get_contents('/proc/self/statm'))[1] * 4096 / 1e6;
}

[, $seed, $duration] = $argv;
\mt_srand((int) $seed);
$counts = ['inputs' => 0, 'bytes' => 0, 'frames' => 0, 'refused' => 0, 'incomplete' => 0, 'slowestMs' => 0.0, 'grownMb' => 0.0];
$begin = \hrtime(true);
$elapsed = static fn(): float => (\hrtime(true) - $begin) / 1e6;
$warm = 0.0;
while ($elapsed() < (float) $duration) {
    $bytes = fuzz_input();
    $chunks = match (\mt_rand(0, 2)) {
        0 => \str_split($bytes === '' ? 'x' : $bytes, \max(1, \intdiv(\strlen($bytes), 2000))),
        1 => random_split($bytes),
        default => [$bytes],
    };
    $took = \INF;
    for ($attempt = 0; $took > LIMIT_MS && $attempt < ATTEMPTS; $attempt++) {
        $before = processor_ms();
        feed($chunks, $counts);
        $took = \min($took, processor_ms() - $before);
    }
    if ($took > LIMIT_MS) {
        \fwrite(\STDERR, "input {$counts['inputs']} of seed {$seed}, " . \strlen($bytes) . " bytes that begin with " . \bin2hex(\substr($bytes, 0, 16)) . ", took {$took} ms\n");
        exit(1);
    }
    $counts['slowestMs'] = \max($counts['slowestMs'], $took);
    $counts['inputs']++;
    $counts['bytes'] += \strlen($bytes);
    if ($warm === 0.0 && $elapsed() > $duration / 4) {
        $warm = resident_mb();
    }
}
$counts['grownMb'] = resident_mb() - $warm;
report($counts);
