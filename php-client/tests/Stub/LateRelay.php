<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

use Rrts\Exception\TransportException;
use Rrts\Relay\RelayInterface;

/** A peer whose bytes are there only when they are waited for, unless it is told to be ready. Counts how often it was looked at. */
final class LateRelay implements RelayInterface
{
    public string $bytes = '';

    public bool $ready = false;

    public int $looks = 0;

    public function read(int $limit): string
    {
        [$bytes, $this->bytes] = [$this->bytes, ''];

        return $bytes;
    }

    public function readExactly(int $length): string
    {
        throw new TransportException('Nothing is read this way here.');
    }

    public function writeAll(string $bytes): void {}

    public function isReadable(): bool
    {
        ++$this->looks;

        return $this->ready;
    }

    public function close(): void {}
}
