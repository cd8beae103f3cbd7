<?php

declare(strict_types=1);

namespace Rrts\Http;

/** A response without PSR-7's weight. */
final class Response
{
    /**
     * @param array<array-key, string|int|float|list<string|int|float>> $headers name to its value or values
     * @param string|iterable<mixed, string>|\Closure $body whole; or in pieces, each sent at once: an iterable of strings,
     *                                                      or a closure that gets a function(string): void to write with.
     *                                                      When the client leaves, a StreamStoppedException is thrown into
     *                                                      the generator, or out of that function
     */
    public function __construct(
        public readonly int $status = 200,
        public readonly array $headers = [],
        public readonly string|iterable|\Closure $body = '',
    ) {}

    /** A page: text/html in UTF-8. */
    public static function html(string $html, int $status = 200): self
    {
        return new self($status, ['content-type' => 'text/html; charset=UTF-8'], $html);
    }

    /** Plain text in UTF-8. */
    public static function text(string $text, int $status = 200): self
    {
        return new self($status, ['content-type' => 'text/plain; charset=UTF-8'], $text);
    }

    /**
     * Data as JSON.
     *
     * @throws \JsonException when it cannot be written as JSON
     */
    public static function json(mixed $data, int $status = 200): self
    {
        return new self($status, ['content-type' => 'application/json'], \json_encode($data, \JSON_THROW_ON_ERROR | \JSON_UNESCAPED_SLASHES | \JSON_UNESCAPED_UNICODE));
    }
}
