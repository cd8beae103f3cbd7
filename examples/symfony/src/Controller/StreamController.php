<?php

// Answers that do not fit in one string: chunk by chunk, and a file.

declare(strict_types=1);

namespace App\Controller;

use Symfony\Component\HttpFoundation\BinaryFileResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\StreamedResponse;
use Symfony\Component\HttpKernel\Attribute\AsController;
use Symfony\Component\Routing\Attribute\Route;

#[AsController]
final class StreamController
{
    private const CHUNKS = 10;

    public function __construct(private readonly string $projectDir) {}

    /** Ten lines, each sent when it is written; `?delay=` sets the milliseconds between them. */
    #[Route('/stream', methods: ['GET'])]
    public function stream(Request $request): StreamedResponse
    {
        $delay = \min(1000, \max(0, $request->query->getInt('delay', 100)));

        return new StreamedResponse(static function () use ($delay): void {
            for ($chunk = 1; $chunk <= self::CHUNKS; ++$chunk) {
                echo "chunk {$chunk}\n";
                self::flush();
                \usleep($delay * 1000);
            }
        }, headers: ['Content-Type' => 'text/plain', 'X-Accel-Buffering' => 'no']);
    }

    #[Route('/file', methods: ['GET'])]
    public function file(): BinaryFileResponse
    {
        $response = new BinaryFileResponse("{$this->projectDir}/assets/verse.txt");
        $response->headers->set('Content-Type', 'text/plain; charset=utf-8');

        return $response;
    }

    private static function flush(): void
    {
        if (\ob_get_level() > 0) {
            \ob_flush();
        }
        \flush();
    }
}
