<?php

// Symfony Messenger of the system's packages, with the middleware that FrameworkBundle gives a bus by default.

declare(strict_types=1);

use Psr\Container\ContainerInterface;
use Symfony\Component\Messenger\Handler\HandlersLocator;
use Symfony\Component\Messenger\MessageBus;
use Symfony\Component\Messenger\Middleware\AddBusNameStampMiddleware;
use Symfony\Component\Messenger\Middleware\DispatchAfterCurrentBusMiddleware;
use Symfony\Component\Messenger\Middleware\FailedMessageProcessingMiddleware;
use Symfony\Component\Messenger\Middleware\HandleMessageMiddleware;
use Symfony\Component\Messenger\Middleware\RejectRedeliveredMessageMiddleware;
use Symfony\Component\Messenger\Middleware\SendMessageMiddleware;
use Symfony\Component\Messenger\Transport\Sender\SendersLocator;

foreach (['Psr/Container', 'Symfony/Contracts/Service', 'Symfony/Component/EventDispatcher', 'Symfony/Component/Console', 'Symfony/Component/Messenger'] as $package) {
    require_once "/usr/share/php/{$package}/autoload.php";
}
require __DIR__ . '/jobs-handler.php';

/** A container of things that are there. */
final class BenchServices implements ContainerInterface
{
    /** @param array<string, object> $services */
    public function __construct(private readonly array $services) {}

    public function get(string $id): object
    {
        return $this->services[$id];
    }

    public function has(string $id): bool
    {
        return isset($this->services[$id]);
    }
}

$handlers = new HandlersLocator([BenchJob::class => [static fn (BenchJob $job) => run_job($job->payload)]]);

return new MessageBus([
    new AddBusNameStampMiddleware('messenger.bus.default'),
    new RejectRedeliveredMessageMiddleware(),
    new DispatchAfterCurrentBusMiddleware(),
    new FailedMessageProcessingMiddleware(),
    new SendMessageMiddleware(new SendersLocator([], new BenchServices([]))),
    new HandleMessageMiddleware($handlers),
]);
