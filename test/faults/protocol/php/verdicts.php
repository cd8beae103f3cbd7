<?php

// P02, both decoders on the same inputs: reads hex lines from STDIN and says for each what the PHP decoder makes of it.

declare(strict_types=1);

namespace Fixture\Protocol;

use Rrts\Exception\ProtocolException;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;

require __DIR__ . '/lib.php';

while (($line = \fgets(\STDIN)) !== false) {
    $decoder = new FrameDecoder(1 << 20);
    $frames = 0;
    $hash = \hash_init('sha1');
    try {
        $decoder->push((string) \hex2bin(\rtrim($line)));
        while (($frame = $decoder->next()) !== null) {
            $frames++;
            \hash_update($hash, FrameCodec::encode($frame));
        }
        $end = $decoder->isAtBoundary() ? 'whole' : 'waits';
    } catch (ProtocolException) {
        $end = 'fault';
    }
    echo "{$frames} ", \hash_final($hash), " {$end}\n";
}
