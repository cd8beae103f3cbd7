<?php

// P01 between the sides: php echo-frames.php SEED. Decodes every frame from STDIN and encodes it anew to STDOUT.

declare(strict_types=1);

namespace Fixture\Protocol;

use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;

require __DIR__ . '/lib.php';

\mt_srand((int) $argv[1]);
$decoder = new FrameDecoder();
while (($bytes = \fread(\STDIN, 65536)) !== false && $bytes !== '') {
    foreach (random_split($bytes) as $chunk) {
        $decoder->push($chunk);
        while (($frame = $decoder->next()) !== null) {
            \fwrite(\STDOUT, FrameCodec::encode($frame));
        }
    }
}
