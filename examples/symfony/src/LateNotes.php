<?php

// Writes a note on disk when the kernel terminates, so any worker can see later that it did.

declare(strict_types=1);

namespace App;

use Symfony\Component\EventDispatcher\Attribute\AsEventListener;
use Symfony\Component\HttpKernel\Event\TerminateEvent;
use Symfony\Contracts\Service\ResetInterface;

#[AsEventListener]
final class LateNotes implements ResetInterface
{
    /** Longer than an answer takes, so an answer that waits for terminate is noticed. */
    private const WORK_MICROSECONDS = 200_000;

    private ?string $asked = null;

    public function __construct(private readonly string $projectDir) {}

    public function ask(string $id): void
    {
        $this->asked = $id;
    }

    public function __invoke(TerminateEvent $event): void
    {
        if ($this->asked === null) {
            return;
        }
        \usleep(self::WORK_MICROSECONDS);
        $path = $this->path($this->asked);
        if (!\is_dir(\dirname($path))) {
            @\mkdir(\dirname($path), 0o777, true);
        }
        \file_put_contents($path, '');
    }

    /** Whether the note was written; it is removed when it was. */
    public function takeWritten(string $id): bool
    {
        return \is_file($this->path($id)) && @\unlink($this->path($id));
    }

    public function reset(): void
    {
        $this->asked = null;
    }

    private function path(string $id): string
    {
        return "{$this->projectDir}/var/notes/{$id}";
    }
}
