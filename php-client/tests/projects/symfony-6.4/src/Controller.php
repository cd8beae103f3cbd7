<?php

declare(strict_types=1);

namespace Rrts\Tests\Project;

use Symfony\Component\HttpFoundation\BinaryFileResponse;
use Symfony\Component\HttpFoundation\Cookie;
use Symfony\Component\HttpFoundation\File\UploadedFile;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpFoundation\StreamedJsonResponse;
use Symfony\Component\HttpFoundation\StreamedResponse;

/** One action per behaviour under test; the route is the name of the method. */
final class Controller
{
    public function __construct(private readonly Counter $counter) {}

    public function hello(): Response
    {
        return new Response('Hello');
    }

    public function echoRequest(Request $request): Response
    {
        return new JsonResponse([
            'method' => $request->getMethod(),
            'uri' => $request->getUri(),
            'path' => $request->getPathInfo(),
            'base' => $request->getBaseUrl(),
            'query' => $request->query->all(),
            'form' => $request->request->all(),
            'cookies' => $request->cookies->all(),
            'content' => $request->getContent(),
            'ip' => $request->getClientIp(),
            'secure' => $request->isSecure(),
            'type' => $request->headers->get('Content-Type'),
            'user' => $request->getUser(),
            'argv' => $request->server->has('argv'),
            'protocol' => $request->getProtocolVersion(),
            'mode' => $request->server->get('APP_RUNTIME_MODE'),
            'globals' => [$_GET, $_POST, $_COOKIE, $_SERVER['REQUEST_URI']],
        ]);
    }

    public function upload(Request $request): Response
    {
        $result = [];
        $files = $request->files->all();
        \array_walk_recursive($files, static function (mixed $file) use (&$result): void {
            if ($file instanceof UploadedFile) {
                $moved = $file->isValid() ? $file->move((string) \getenv('RRTS_TEST_DIR'), 'moved-' . $file->getClientOriginalName()) : null;
                $result[] = [$file->getClientOriginalName(), $file->getClientMimeType(), $file->getError(), $moved?->getSize()];
            }
        });

        return new JsonResponse(['files' => $result, 'keys' => \array_keys($files), 'form' => $request->request->all()]);
    }

    public function session(Request $request): Response
    {
        $session = $request->getSession();
        $visits = $session->get('visits', 0);
        $session->set('visits', (\is_int($visits) ? $visits : 0) + 1);

        return new JsonResponse(['visits' => $session->get('visits'), 'id' => $session->getId()]);
    }

    public function sessionFails(Request $request): Response
    {
        $request->getSession()->set('secret', 'of the request that failed');

        throw new \DomainException('failed with an open session');
    }

    public function noSession(): Response
    {
        return new JsonResponse(['id' => \session_id(), 'data' => $_SESSION ?? []]);
    }

    public function streamed(): Response
    {
        return new StreamedResponse(static function (): void {
            echo 'one';
            \flush();
            echo 'two';
        }, 201, ['Content-Type' => 'text/event-stream']);
    }

    public function endless(): Response
    {
        return new StreamedResponse(static function (): void {
            try {
                // @phpstan-ignore while.alwaysTrue
                while (true) {
                    echo \str_repeat('x', 1000);
                }
            } finally {
                \error_log('stream cleaned up');
            }
        });
    }

    public function streamFails(): Response
    {
        return new StreamedResponse(static function (): void {
            \ob_start();
            echo 'never sent';

            throw new \DomainException('failed in the stream');
        });
    }

    public function streamedJson(): Response
    {
        return new StreamedJsonResponse(['items' => (static fn(): iterable => yield from [1, 2, 3])()]);
    }

    public function file(): Response
    {
        return new BinaryFileResponse((string) \getenv('RRTS_TEST_DIR') . '/big.bin', headers: ['Content-Type' => 'application/octet-stream']);
    }

    public function counter(): Response
    {
        return new Response((string) $this->counter->next());
    }

    public function fails(): Response
    {
        throw new \DomainException('<b>went wrong</b>');
    }

    public function cookies(): Response
    {
        $response = new Response('0');
        $response->headers->setCookie(Cookie::create('a', '1'));
        $response->headers->setCookie(Cookie::create('b', '2'));
        $response->headers->set('X-Latin', "caf\xE9");

        return $response;
    }

    public function hints(): Response
    {
        $response = new Response();
        $response->headers->set('Link', '</style.css>; rel=preload');
        $response->sendHeaders(103);

        return $response->setContent('after hints');
    }

    public function cacheable(): Response
    {
        return (new Response(\bin2hex(\random_bytes(8))))->setPublic()->setMaxAge(600);
    }

    public function prints(): Response
    {
        echo 'printed by a controller';

        return new Response('clean');
    }
}
