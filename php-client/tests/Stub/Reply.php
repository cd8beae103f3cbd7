<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

/** What the master stub received for one request. */
final class Reply
{
    /**
     * @param list<string> $headers name, value, name, value
     * @param list<string> $chunks bodies of the frames, without empty ones
     * @param list<array{int, list<string>}> $informational heads with a status of 100 to 199
     */
    public function __construct(
        public readonly int $status,
        public readonly array $headers,
        public readonly array $chunks,
        public readonly array $informational = [],
        public readonly ?string $error = null,
        public readonly bool $isStopWish = false,
        public readonly bool $isStreamed = false,
    ) {}

    public function body(): string
    {
        return \implode('', $this->chunks);
    }

    /** The values of a header joined by "|"; '' when it is absent. */
    public function header(string $name): string
    {
        $values = [];
        for ($i = 0; $i < \count($this->headers); $i += 2) {
            if (\strtolower($this->headers[$i]) === $name) {
                $values[] = $this->headers[$i + 1];
            }
        }

        return \implode('|', $values);
    }
}
