<?php

declare(strict_types=1);

namespace Rrts\Runtime;

use Rrts\Exception\StreamStoppedException;
use Rrts\Http\ResponseWriter;
use Rrts\ResponseStream;
use Rrts\Worker;
use Symfony\Component\HttpFoundation\Response;

/**
 * HttpFoundation responses to frames.
 *
 * @internal
 */
final class ResponseSender
{
    public function __construct(private readonly Worker $worker) {}

    /** @throws \Throwable what the response threw while it produced its content */
    public function send(Response $response): void
    {
        $head = [$response->getStatusCode(), ResponseWriter::flatten($response->headers->allPreserveCase())];
        $content = $response->getContent();
        // StreamedResponse, StreamedJsonResponse, BinaryFileResponse: the content exists only while it is printed.
        if ($content === false) {
            $this->stream($response, $this->worker->stream($head));
        } else {
            $this->worker->respond($head, $content);
        }
    }

    private function stream(Response $response, ResponseStream $stream): void
    {
        $level = \ob_get_level();
        \ob_start(static function (string $chunk, int $phase) use ($stream): string|ThrownByOutput {
            try {
                // Cleaned output is what the content left behind when it failed.
                if (($phase & \PHP_OUTPUT_HANDLER_CLEAN) === 0 && $chunk !== '') {
                    $stream->write($chunk);
                }
            } catch (\Throwable $exception) {
                return new ThrownByOutput($exception);
            }

            return '';
        }, 1);
        try {
            $response->sendContent();
            while (\ob_get_level() > $level && \ob_end_flush()) {
            }
        } catch (StreamStoppedException $exception) {
            if (!$stream->isStopped()) {
                throw $exception;
            }
        } finally {
            while (\ob_get_level() > $level && @\ob_end_clean()) {
            }
        }
        $stream->end();
    }
}
