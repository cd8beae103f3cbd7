<?php

declare(strict_types=1);

namespace Rrts\Http;

use Rrts\Exception\ProtocolException;
use Rrts\Payload;

/**
 * The head of docs/protocol.md section 4 to a {@see Request}.
 *
 * @internal
 */
final class RequestMapper
{
    /**
     * @param (\Closure(int, array<string, string|list<string>>): void)|null $inform
     *
     * @throws ProtocolException when the head is not one of a request
     */
    public static function map(Payload $payload, ?\Closure $inform): Request
    {
        $head = $payload->head;
        $method = $head['method'] ?? null;
        $uri = $head['uri'] ?? null;
        $protocol = $head['protocol'] ?? '1.1';
        $address = $head['remote_addr'] ?? '';
        $attempt = $head['attempt'] ?? 1;
        if (!\is_string($method) || !\is_string($uri) || !\is_string($protocol) || !\is_string($address) || !\is_int($attempt)) {
            throw new ProtocolException('The head of the request lacks its method or URI, or has them in another type than text.');
        }
        $headers = self::headers($head['headers'] ?? []);
        $isForm = ($head['form'] ?? false) === true;
        $isMultipart = $isForm && \stripos($headers['content-type'][0] ?? '', 'multipart/') === 0;

        return new Request(
            $method,
            $uri,
            $protocol,
            $address,
            $headers,
            // What rrts wrote in place of a multipart body is not what the client sent; PHP's own php://input is empty, too.
            $isMultipart ? '' : $payload->body,
            $isForm ? $payload->body : null,
            isset($head['uploads']) ? self::uploads($head['uploads']) : [],
            isset($head['attributes']) && \is_array($head['attributes']) ? \array_filter($head['attributes'], \is_string(...)) : [],
            $attempt,
            $inform,
        );
    }

    /** @return array<array-key, non-empty-list<string>> */
    private static function headers(mixed $flat): array
    {
        if (!\is_array($flat)) {
            throw new ProtocolException('The headers of the request are not a list.');
        }
        $headers = [];
        $name = null;
        foreach ($flat as $text) {
            if (!\is_string($text)) {
                throw new ProtocolException('A header of the request is not text.');
            }
            if ($name === null) {
                $name = $text;
            } else {
                $headers[$name][] = $text;
                $name = null;
            }
        }

        return $headers;
    }

    /** @return list<array{string, UploadedFile}> */
    private static function uploads(mixed $entries): array
    {
        $uploads = [];
        foreach (\is_array($entries) ? $entries : [] as $entry) {
            [$field, $name, $type, $size, $error, $path] = \is_array($entry) && \count($entry) === 6 ? \array_values($entry) : \array_fill(0, 6, null);
            if (!\is_string($field) || !\is_string($name) || !\is_string($type) || !\is_int($size) || !\is_int($error) || !\is_string($path)) {
                throw new ProtocolException('An upload of the request is not described by field, name, type, size, error and path.');
            }
            // Browsers of old send whole paths, with either slash.
            $base = \substr((string) \strrchr('/' . \strtr($name, '\\', '/'), '/'), 1);
            $uploads[] = [$field, new UploadedFile($base, $name, $type, $size, $error, $path)];
        }

        return $uploads;
    }
}
