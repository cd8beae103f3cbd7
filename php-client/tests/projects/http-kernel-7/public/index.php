<?php

declare(strict_types=1);

use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\HttpFoundation\BinaryFileResponse;
use Symfony\Component\HttpFoundation\File\UploadedFile;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\RequestStack;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpFoundation\Session\SessionFactory;
use Symfony\Component\HttpFoundation\Session\Storage\NativeSessionStorageFactory;
use Symfony\Component\HttpFoundation\StreamedResponse;
use Symfony\Component\HttpKernel\Controller\ArgumentResolver;
use Symfony\Component\HttpKernel\Controller\ControllerResolver;
use Symfony\Component\HttpKernel\Event\RequestEvent;
use Symfony\Component\HttpKernel\EventListener\SessionListener;
use Symfony\Component\HttpKernel\HttpKernel;
use Symfony\Component\HttpKernel\HttpKernelInterface;
use Symfony\Component\HttpKernel\KernelEvents;

require_once dirname(__DIR__) . '/vendor/autoload_runtime.php';

return static function (): HttpKernelInterface {
    $folder = (string) getenv('RRTS_TEST_DIR');
    $requests = new RequestStack();
    $sessions = new SessionFactory($requests, new NativeSessionStorageFactory(['save_path' => "{$folder}/sessions", 'name' => 'SEVEN']));
    $container = new class ($sessions) implements \Psr\Container\ContainerInterface {
        public function __construct(private readonly SessionFactory $sessions) {}

        public function get(string $id): mixed
        {
            return $id === 'session_factory' ? $this->sessions : throw new \OutOfBoundsException($id);
        }

        public function has(string $id): bool
        {
            return $id === 'session_factory';
        }
    };
    $actions = [
        '/hello' => static fn(): Response => new Response('Hello from ' . \Symfony\Component\HttpKernel\Kernel::VERSION),
        '/session' => static function (Request $request): Response {
            $session = $request->getSession();
            $visits = $session->get('visits', 0);
            $session->set('visits', (is_int($visits) ? $visits : 0) + 1);

            return new JsonResponse(['visits' => $session->get('visits'), 'id' => $session->getId()]);
        },
        '/noSession' => static fn(): Response => new JsonResponse(['id' => session_id(), 'data' => $_SESSION ?? []]),
        '/upload' => static function (Request $request) use ($folder): Response {
            $file = $request->files->get('f');

            return new JsonResponse($file instanceof UploadedFile ? [$file->getClientOriginalName(), $file->move($folder, 'moved-seven')->getSize()] : null);
        },
        '/streamed' => static fn(): Response => new StreamedResponse(['one', 'two']),
        '/endless' => static fn(): Response => new StreamedResponse(static function (): void {
            // @phpstan-ignore while.alwaysTrue
            while (true) {
                echo str_repeat('x', 1000);
            }
        }),
        '/file' => static fn(): Response => new BinaryFileResponse("{$folder}/big.bin", headers: ['Content-Type' => 'application/octet-stream']),
        '/fails' => static fn(): Response => throw new \DomainException('escaped the kernel'),
    ];
    $events = new EventDispatcher();
    $events->addSubscriber(new SessionListener($container));
    $events->addListener(KernelEvents::REQUEST, static function (RequestEvent $event) use ($actions): void {
        $event->getRequest()->attributes->set('_controller', $actions[$event->getRequest()->getPathInfo()] ?? static fn(): Response => new Response('not found', 404));
    });

    return new HttpKernel($events, new ControllerResolver(), $requests, new ArgumentResolver());
};
