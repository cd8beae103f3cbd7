<?php

// Where mails end that would be sent: a file with one line for each, which tells who did it.

declare(strict_types=1);

namespace App;

final class Outbox
{
    /** Goes on counting for as long as the kernel lives. */
    private int $written = 0;

    public function __construct(private readonly string $outboxFile) {}

    /** @param array<string, string|int> $mail */
    public function add(array $mail): void
    {
        $mail += ['pid' => (int) \getmypid(), 'mails_of_this_process' => ++$this->written];
        @\mkdir(\dirname($this->outboxFile), 0o755, true);
        \file_put_contents($this->outboxFile, \json_encode($mail, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE) . "\n", FILE_APPEND | LOCK_EX);
    }

    public function contents(): string
    {
        return \is_file($this->outboxFile) ? (string) \file_get_contents($this->outboxFile) : '';
    }
}
