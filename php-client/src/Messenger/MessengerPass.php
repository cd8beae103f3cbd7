<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Symfony\Component\DependencyInjection\Compiler\CompilerPassInterface;
use Symfony\Component\DependencyInjection\ContainerBuilder;
use Symfony\Component\DependencyInjection\ContainerInterface;
use Symfony\Component\DependencyInjection\Reference;

/**
 * Registers {@see MessengerWorker} in an application that has Messenger, and keeps Symfony from retrying what the server retries.
 *
 * @internal
 */
final class MessengerPass implements CompilerPassInterface
{
    private const BUS = 'messenger.routable_message_bus';
    private const TRANSPORTS = 'messenger.receiver_locator';
    private const RETRY_LISTENER = 'messenger.retry.send_failed_message_for_retry_listener';

    public function process(ContainerBuilder $container): void
    {
        if (!$container->has(self::BUS) || !$container->has(self::TRANSPORTS)) {
            return;
        }
        $optional = static fn(string $id): Reference => new Reference($id, ContainerInterface::NULL_ON_INVALID_REFERENCE);
        $container->register(MessengerWorker::class, MessengerWorker::class)
            ->setPublic(true)
            ->setArguments([new Reference(self::BUS), new Reference(self::TRANSPORTS), $optional('event_dispatcher'), $optional('services_resetter'), $optional('logger')])
            ->addTag('monolog.logger', ['channel' => 'messenger']);
        if ($container->hasDefinition(self::RETRY_LISTENER)) {
            $container->getDefinition(self::RETRY_LISTENER)->setClass(RetryListener::class);
        }
    }
}
