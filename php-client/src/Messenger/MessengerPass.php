<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Symfony\Component\DependencyInjection\Argument\ServiceClosureArgument;
use Symfony\Component\DependencyInjection\Compiler\CompilerPassInterface;
use Symfony\Component\DependencyInjection\ContainerBuilder;
use Symfony\Component\DependencyInjection\ContainerInterface;
use Symfony\Component\DependencyInjection\Definition;
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
    private const FAILURE_LISTENER = 'messenger.failure.send_failed_message_to_failure_transport_listener';
    private const RECEIVER = 'messenger.receiver';
    private const DSNS = 'rrts.messenger.dsns';
    private const RETRY_LISTENER = 'messenger.retry.send_failed_message_for_retry_listener';

    public function process(ContainerBuilder $container): void
    {
        if (!$container->has(self::BUS) || !$container->has(self::TRANSPORTS)) {
            return;
        }
        $optional = static fn(string $id): Reference => new Reference($id, ContainerInterface::NULL_ON_INVALID_REFERENCE);
        $container->register(MessengerWorker::class, MessengerWorker::class)
            ->setPublic(true)
            ->setArguments([
                new Reference(self::BUS),
                new Reference(self::TRANSPORTS),
                $optional('event_dispatcher'),
                $optional('services_resetter'),
                $optional('logger'),
                $container->hasDefinition(self::FAILURE_LISTENER) ? $container->getDefinition(self::FAILURE_LISTENER)->getArguments()[0] ?? null : null,
                new ServiceClosureArgument(new Reference(self::DSNS)),
                $optional('messenger.rate_limiter_locator'),
            ])
            ->addTag('monolog.logger', ['channel' => 'messenger']);
        if ($container->hasDefinition(self::RETRY_LISTENER)) {
            $container->getDefinition(self::RETRY_LISTENER)->setClass(RetryListener::class);
        }
        // A service of its own, asked for late: one DSN of many may be in a variable that this process does not have.
        $container->register(self::DSNS, \ArrayObject::class)->setArguments([self::dsns($container)]);
    }

    /** @return array<string, string> by the name of the transport */
    private static function dsns(ContainerBuilder $container): array
    {
        $dsns = [];
        foreach (\array_keys($container->findTaggedServiceIds(self::RECEIVER)) as $id) {
            $definition = $container->getDefinition($id);
            $dsn = $definition->getArguments()[0] ?? null;
            $tags = \is_string($dsn) ? $definition->getTag(self::RECEIVER) : [];
            foreach ($tags as $tag) {
                $name = \is_array($tag) ? $tag['alias'] ?? null : null;
                $dsns += \is_string($name) && \is_string($dsn) ? [$name => $dsn] : [];
            }
            if (\is_string($dsn) && \str_starts_with($dsn, Options::SCHEME)) {
                self::hideFromConsumers($definition);
            }
        }

        return $dsns;
    }

    /** `messenger:consume --all` of Symfony 7.4 asks for it. */
    private static function hideFromConsumers(Definition $definition): void
    {
        $tags = $definition->getTag(self::RECEIVER);
        $definition->clearTag(self::RECEIVER);
        foreach ($tags as $tag) {
            $definition->addTag(self::RECEIVER, ['is_consumable' => false] + (\is_array($tag) ? $tag : []));
        }
    }
}
