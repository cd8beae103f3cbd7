<?php

declare(strict_types=1);

namespace Rrts\Http;

use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Message\UploadedFileInterface;

/**
 * A {@see Request} to a PSR-7 server request.
 *
 * @internal
 */
final class PsrRequestMapper
{
    /** Attribute with a function(int $status, array $headers): void that sends an informational response. */
    public const INFORM = 'rrts.inform';

    /** @var class-string|null a class whose constructor takes everything at once, which saves a clone per header */
    private readonly ?string $direct;

    public function __construct(private readonly Psr17Factories $factories)
    {
        $this->direct = match ($factories->requests::class) {
            'Nyholm\Psr7\Factory\Psr17Factory' => \Nyholm\Psr7\ServerRequest::class,
            'GuzzleHttp\Psr7\HttpFactory' => \GuzzleHttp\Psr7\ServerRequest::class,
            default => null,
        };
    }

    /** @throws \InvalidArgumentException when the PSR-7 package does not accept the URI or a header */
    public function map(Request $request): ServerRequestInterface
    {
        $message = $this->create($request, ServerVariables::of($request));
        if ($request->queryString() !== '') {
            $message = $message->withQueryParams($request->query());
        }
        if (isset($request->headers['cookie'])) {
            $message = $message->withCookieParams($request->cookies());
        }
        if ($request->hasForm()) {
            $message = $message->withParsedBody($request->form());
        }
        if ($request->files() !== []) {
            $message = $message->withUploadedFiles($this->files($request->files()));
        }
        foreach ($request->attributes as $name => $value) {
            $message = $message->withAttribute((string) $name, $value);
        }

        return $message->withAttribute(self::INFORM, $request->inform(...));
    }

    /** @param array<string, mixed> $serverVariables */
    private function create(Request $request, array $serverVariables): ServerRequestInterface
    {
        $body = $request->body === '' ? null : $this->factories->streams->createStream($request->body);
        if ($this->direct === \Nyholm\Psr7\ServerRequest::class) {
            return new \Nyholm\Psr7\ServerRequest($request->method, $request->uri, $request->headers, $body, $request->protocolVersion, $serverVariables);
        }
        if ($this->direct === \GuzzleHttp\Psr7\ServerRequest::class) {
            return new \GuzzleHttp\Psr7\ServerRequest($request->method, $request->uri, $request->headers, $body, $request->protocolVersion, $serverVariables);
        }
        $message = $this->factories->requests->createServerRequest($request->method, $request->uri, $serverVariables)
            ->withProtocolVersion($request->protocolVersion);
        foreach ($request->headers as $name => $values) {
            $message = $message->withHeader((string) $name, $values);
        }

        return $body === null ? $message : $message->withBody($body);
    }

    /**
     * @param array<array-key, mixed> $tree
     *
     * @return array<array-key, mixed>
     */
    private function files(array $tree): array
    {
        $files = [];
        foreach ($tree as $key => $leaf) {
            $files[$key] = match (true) {
                \is_array($leaf) => $this->files($leaf),
                $leaf instanceof UploadedFile => $this->file($leaf),
                default => $leaf,
            };
        }

        return $files;
    }

    private function file(UploadedFile $file): UploadedFileInterface
    {
        $stream = $file->error === \UPLOAD_ERR_OK
            ? $this->factories->streams->createStreamFromFile($file->path)
            : $this->factories->streams->createStream();

        return $this->factories->uploadedFiles->createUploadedFile($stream, $file->size, $file->error, $file->name, $file->mediaType);
    }
}
