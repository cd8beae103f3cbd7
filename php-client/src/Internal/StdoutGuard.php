<?php

declare(strict_types=1);

namespace Rrts\Internal;

/**
 * Sends what user code echoes to stderr, where the master logs it with the worker's other lines.
 *
 * @internal
 */
final class StdoutGuard
{
    private readonly StderrLogger $stderr;

    private int $level = 0;

    public function __construct()
    {
        $this->stderr = new StderrLogger();
        $this->install();
    }

    /** Called between requests: closes buffers that user code left open, and comes back when it closed the guard. */
    public function restore(): void
    {
        // Buffers that refuse to be removed would make this loop endless.
        while (\ob_get_level() > $this->level && @\ob_end_flush()) {
        }
        if (\ob_get_level() < $this->level) {
            $this->install();
        }
    }

    private function install(): void
    {
        // Chunk size 1: a line is in the log when it is printed, not when the request ends.
        \ob_start(function (string $output): string {
            if ($output !== '') {
                $this->stderr->write($output);
            }

            return '';
        }, 1);
        $this->level = \ob_get_level();
    }
}
