<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

/** A process that reads a stream in small, unhurried bites and then tells how much it got and its checksum. */
final class SlowPeer
{
    private const SCRIPT = <<<'PHP'
        stream_set_read_buffer(STDIN, 0);
        $hash = hash_init('crc32b');
        // Counted, not read to the end: this process has inherited the other end, too.
        for ($length = $count = 0; $length < (int) $argv[1]; $length += strlen($bytes)) {
            $bytes = fread(STDIN, 5000);
            if ($bytes === '' || $bytes === false) {
                exit('ended early');
            }
            hash_update($hash, $bytes);
            if (++$count % 64 === 0) {
                usleep(1000);
            }
        }
        echo $length, ' ', hash_final($hash);
        PHP;

    /** @var resource */
    private $process;

    /** @var resource */
    private $output;

    /** @param resource $input */
    public function __construct($input, int $expectedBytes)
    {
        $process = \proc_open([\PHP_BINARY, '-n', '-r', self::SCRIPT, (string) $expectedBytes], [$input, ['pipe', 'w'], ['file', '/dev/null', 'w']], $pipes);
        if ($process === false) {
            throw new \RuntimeException('Cannot start the peer.');
        }
        $this->process = $process;
        $this->output = $pipes[1];
    }

    /** Waits for its end. */
    public function report(): string
    {
        $report = (string) \stream_get_contents($this->output);
        \proc_close($this->process);

        return $report;
    }
}
