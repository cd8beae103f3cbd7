<?php

declare(strict_types=1);

namespace Rrts;

/** One piece of work as the master sent it: the decoded head and the body bytes. */
final class Payload
{
    /** @param array<array-key, mixed> $head docs/protocol.md section 4 */
    public function __construct(
        public readonly array $head,
        public readonly string $body,
    ) {}
}
