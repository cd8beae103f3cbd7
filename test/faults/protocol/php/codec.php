<?php

// P01 on the PHP side: php codec.php SEED ROUNDS. Frames survive any split of their bytes, on interleaved connections.

declare(strict_types=1);

namespace Fixture\Protocol;

use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;

require __DIR__ . '/lib.php';

/** Some replies are written as the worker writes them: the body apart from its header. */
function encode(Frame $frame): string
{
    if (\count($frame->options) !== 1) {
        return FrameCodec::encode($frame);
    }
    $head = \min($frame->options[0], \strlen($frame->payload));
    $start = FrameCodec::replyStart($frame->flags, $frame->stream, \substr($frame->payload, 0, $head), \strlen($frame->payload) - $head);

    return $start . \substr($frame->payload, $head);
}

/** @param list<Frame> $frames */
function bytes_of(array $frames): string
{
    return \implode('', \array_map(FrameCodec::encode(...), $frames));
}

/** @return array{list<Frame>, list<string>} */
function random_connection(): array
{
    $frames = [];
    for ($count = \mt_rand(1, 4); $count > 0; $count--) {
        $frame = random_frame(random_length());
        if (\count($frame->options) === 1) {
            $frame = new Frame($frame->flags, $frame->payload, [\mt_rand(0, \strlen($frame->payload))], $frame->stream);
        }
        $frames[] = $frame;
    }

    return [$frames, random_split(\implode('', \array_map(encode(...), $frames)))];
}

[, $seed, $rounds] = $argv;
\mt_srand((int) $seed);
$counts = ['runs' => 0, 'frames' => 0, 'chunks' => 0, 'bytes' => 0];
for ($round = 0; $round < (int) $rounds; $round++) {
    $open = [];
    for ($count = \mt_rand(1, 3); $count > 0; $count--) {
        [$frames, $chunks] = random_connection();
        $open[] = ['expected' => $frames, 'chunks' => $chunks, 'decoder' => new FrameDecoder(), 'got' => [], 'at' => 0];
    }
    while ($open !== []) {
        $key = \array_rand($open);
        $one = &$open[$key];
        $chunk = $one['chunks'][$one['at']++];
        $one['decoder']->push($chunk);
        while (($frame = $one['decoder']->next()) !== null) {
            $one['got'][] = $frame;
        }
        $counts['chunks']++;
        $counts['bytes'] += \strlen($chunk);
        if ($one['at'] === \count($one['chunks'])) {
            if (bytes_of($one['got']) !== bytes_of($one['expected']) || !$one['decoder']->isAtBoundary()) {
                \fwrite(\STDERR, "round {$round} of seed {$seed}: other frames than were encoded\n");
                exit(1);
            }
            $counts['frames'] += \count($one['got']);
            unset($open[$key]);
        }
        unset($one);
    }
    $counts['runs']++;
}
report($counts);
