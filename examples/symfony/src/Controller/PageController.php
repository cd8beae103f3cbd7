<?php

// Plain answers: a page, JSON, an error, and a counter that shows what lives as long as the worker.

declare(strict_types=1);

namespace App\Controller;

use App\RequestCounter;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\Attribute\AsController;
use Symfony\Component\HttpKernel\Kernel;
use Symfony\Component\Routing\Attribute\Route;

#[AsController]
final class PageController
{
    #[Route('/', methods: ['GET'])]
    public function hello(): Response
    {
        $links = \array_map(
            static fn(string $path): string => "<li><a href=\"/{$path}\">/{$path}</a></li>",
            ['json', 'session', 'upload', 'stream', 'file', 'counter', 'terminate/demo', 'error'],
        );

        return new Response(\sprintf(
            "<!DOCTYPE html>\n<title>Hello from Symfony</title>\n<h1>Hello from Symfony %s</h1>\n<ul>%s</ul>\n",
            Kernel::VERSION,
            \implode('', $links),
        ));
    }

    #[Route('/json', methods: ['GET', 'POST'])]
    public function json(Request $request): JsonResponse
    {
        return new JsonResponse([
            'message' => 'Hello from Symfony',
            'method' => $request->getMethod(),
            'query' => $request->query->all(),
            'body' => $request->getContent() === '' ? null : $request->toArray(),
        ]);
    }

    /** The worker's count grows from request to request; the service's is 1 again because the kernel is reset. */
    #[Route('/counter', methods: ['GET'])]
    public function counter(RequestCounter $counter): JsonResponse
    {
        $counter->count();

        return new JsonResponse([
            'pid' => \getmypid(),
            'worker' => RequestCounter::inThisWorker(),
            'service' => $counter->inThisRequest(),
        ]);
    }

    #[Route('/error', methods: ['GET'])]
    public function error(): never
    {
        throw new \RuntimeException('This exception is thrown on purpose');
    }
}
