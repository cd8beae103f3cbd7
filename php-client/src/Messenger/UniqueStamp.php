<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Symfony\Component\Messenger\Stamp\StampInterface;

/** While a message with this key waits or runs in the pipeline, another one is not stored: it then has no TransportMessageIdStamp. */
final class UniqueStamp implements StampInterface
{
    public function __construct(public readonly string $key) {}
}
