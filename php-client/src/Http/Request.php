<?php

declare(strict_types=1);

namespace Rrts\Http;

/** A request as rrts received it, without PSR-7's weight. What has to be parsed is parsed when asked for. */
final class Request
{
    private ?string $target = null;

    /** @var array<array-key, mixed>|null */
    private ?array $query = null;

    /** @var array<array-key, mixed>|null */
    private ?array $cookies = null;

    /** @var array<array-key, mixed>|null */
    private ?array $form = null;

    /** @var array<array-key, mixed>|null */
    private ?array $files = null;

    /**
     * @param string $uri absolute, the target as received
     * @param string $protocolVersion 1.0, 1.1 or 2
     * @param string $remoteAddress peer address without port
     * @param array<array-key, non-empty-list<string>> $headers lower-case name to its values, in order
     * @param string $body raw bytes; '' for a multipart form
     * @param string|null $encodedForm the form fields in urlencoded form, null when there is no form
     * @param list<array{string, UploadedFile}> $uploads field name and file, in order
     * @param array<array-key, string> $attributes set by rrts
     * @param int $attempt 2 when the request is replayed after a worker died
     * @param (\Closure(int, array<string, string|list<string>>): void)|null $inform sends an informational response
     */
    public function __construct(
        public readonly string $method,
        public readonly string $uri,
        public readonly string $protocolVersion = '1.1',
        public readonly string $remoteAddress = '',
        public readonly array $headers = [],
        public readonly string $body = '',
        private readonly ?string $encodedForm = null,
        private readonly array $uploads = [],
        public readonly array $attributes = [],
        public readonly int $attempt = 1,
        private readonly ?\Closure $inform = null,
    ) {}

    /** The values of a header joined by ", " (a cookie's by "; "); null when it is absent. Any letter case. */
    public function header(string $name): ?string
    {
        $name = \strtolower($name);
        $values = $this->headers[$name] ?? null;

        return $values === null ? null : \implode($name === 'cookie' ? '; ' : ', ', $values);
    }

    /** The path and query of the target, as a client puts them in the request line; begins with "/". */
    public function target(): string
    {
        if ($this->target === null) {
            $start = \strpos($this->uri, '://');
            $start = $start === false ? 0 : $start + 3;
            $target = \substr($this->uri, $start + \strcspn($this->uri, '/?#', $start));
            $this->target = $target === '' || $target[0] !== '/' ? '/' . $target : $target;
        }

        return $this->target;
    }

    /** The path alone, not decoded; begins with "/". */
    public function path(): string
    {
        $target = $this->target();
        $length = \strpos($target, '?');

        return $length === false ? $target : \substr($target, 0, $length);
    }

    /** The query without its "?", not decoded; '' when there is none. */
    public function queryString(): string
    {
        $target = $this->target();
        $length = \strpos($target, '?');

        return $length === false ? '' : \substr($target, $length + 1);
    }

    /**
     * The query in the shape of $_GET.
     *
     * @return array<array-key, mixed>
     */
    public function query(): array
    {
        return $this->query ??= PhpVariables::parse($this->queryString());
    }

    /**
     * The cookies in the shape of $_COOKIE.
     *
     * @return array<array-key, mixed>
     */
    public function cookies(): array
    {
        return $this->cookies ??= PhpVariables::cookies($this->header('cookie') ?? '');
    }

    /** Whether the body is a form, urlencoded or multipart. */
    public function hasForm(): bool
    {
        return $this->encodedForm !== null;
    }

    /**
     * The form fields in the shape of $_POST; empty when the body is no form.
     *
     * @return array<array-key, mixed>
     */
    public function form(): array
    {
        return $this->form ??= PhpVariables::parse($this->encodedForm ?? '');
    }

    /**
     * The uploads by field name, nested as PHP nests field names; the leaves are {@see UploadedFile}.
     *
     * @return array<array-key, mixed>
     */
    public function files(): array
    {
        return $this->files ??= $this->uploads === [] ? [] : PhpVariables::files($this->uploads);
    }

    /**
     * Sends an informational response ahead of the answer, such as 103 with a Link header.
     *
     * @param int $status 100 to 199, not 101
     * @param array<string, string|list<string>> $headers
     */
    public function inform(int $status, array $headers): void
    {
        if ($this->inform !== null) {
            ($this->inform)($status, $headers);
        }
    }
}
