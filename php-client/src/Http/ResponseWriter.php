<?php

declare(strict_types=1);

namespace Rrts\Http;

use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\StreamInterface;
use Rrts\Exception\StreamStoppedException;
use Rrts\Exception\TransportException;
use Rrts\ResponseStream;
use Rrts\Worker;

/**
 * Responses to frames.
 *
 * @internal
 */
final class ResponseWriter
{
    /** A PSR-7 body up to this size is sent in one frame; a larger one is not held in memory. */
    private const WHOLE_BODY_BYTES = 1 << 20;
    private const CHUNK_BYTES = 65536;
    private const EMPTY_READ_MICROSECONDS = 1000;

    public function __construct(private readonly Worker $worker) {}

    /** @throws TransportException when the master has gone */
    public function write(Response $response): void
    {
        $head = [$response->status, self::flatten($response->headers)];
        $body = $response->body;
        if (\is_string($body)) {
            $this->worker->respond($head, $body);

            return;
        }
        $this->stream($head, static function (ResponseStream $stream) use ($body): void {
            match (true) {
                $body instanceof \Closure => $body($stream->write(...)),
                $body instanceof \Generator => self::drain($body, $stream),
                default => self::copyAll($body, $stream),
            };
        });
    }

    /** @throws TransportException when the master has gone */
    public function writePsr(ResponseInterface $response): void
    {
        $body = $response->getBody();
        $size = $body->getSize();
        $head = [$response->getStatusCode(), self::flatten($response->getHeaders())];
        if ($body->isSeekable()) {
            $body->rewind();
            if ($size !== null && $size <= self::WHOLE_BODY_BYTES) {
                $this->worker->respond($head, $size === 0 ? '' : $body->getContents());

                return;
            }
            if ($size !== null && !$response->hasHeader('Content-Length')) {
                \array_push($head[1], 'content-length', (string) $size);
            }
        }
        try {
            $this->stream($head, static fn(ResponseStream $stream) => self::copy($body, $stream));
        } finally {
            $body->close();
        }
    }

    /** @param array<string, string|list<string>> $headers */
    public function inform(int $status, array $headers): void
    {
        $this->worker->inform([$status, self::flatten($headers)]);
    }

    /**
     * @param array<array-key, mixed> $headers name to value or values
     *
     * @return list<string> name, value, name, value
     */
    public static function flatten(array $headers): array
    {
        $flat = [];
        foreach ($headers as $name => $values) {
            foreach (\is_array($values) ? $values : [$values] as $value) {
                if (\is_scalar($value) || $value instanceof \Stringable) {
                    $flat[] = (string) $name;
                    $flat[] = (string) $value;
                }
            }
        }

        return $flat;
    }

    /**
     * @param array<array-key, mixed> $head
     * @param \Closure(ResponseStream): void $produce
     */
    private function stream(array $head, \Closure $produce): void
    {
        $stream = $this->worker->stream($head);
        try {
            $produce($stream);
        } catch (StreamStoppedException $exception) {
            if (!$stream->isStopped()) {
                throw $exception;
            }
        }
        $stream->end();
    }

    /** @param \Generator<mixed, string> $chunks */
    private static function drain(\Generator $chunks, ResponseStream $stream): void
    {
        for (; $chunks->valid(); $chunks->next()) {
            try {
                $stream->write($chunks->current());
            } catch (StreamStoppedException $exception) {
                $chunks->throw($exception);

                return;
            }
        }
    }

    /** @param iterable<mixed, string> $chunks */
    private static function copyAll(iterable $chunks, ResponseStream $stream): void
    {
        foreach ($chunks as $chunk) {
            $stream->write($chunk);
        }
    }

    private static function copy(StreamInterface $body, ResponseStream $stream): void
    {
        while (!$body->eof()) {
            $chunk = $body->read(self::CHUNK_BYTES);
            $stream->write($chunk);
            // A stream that has nothing yet must not keep a core busy.
            if ($chunk === '') {
                \usleep(self::EMPTY_READ_MICROSECONDS);
            }
        }
    }
}
