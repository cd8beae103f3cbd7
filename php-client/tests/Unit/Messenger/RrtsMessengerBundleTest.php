<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Messenger;

use PHPUnit\Framework\TestCase;
use Rrts\Messenger\MessengerWorker;
use Rrts\Messenger\RetryListener;
use Rrts\Messenger\RrtsMessengerBundle;
use Rrts\Messenger\Transport;
use Rrts\Messenger\TransportFactory;
use Symfony\Component\DependencyInjection\ContainerBuilder;
use Symfony\Component\DependencyInjection\ServiceLocator;
use Symfony\Component\Messenger\EventListener\SendFailedMessageForRetryListener;
use Symfony\Component\Messenger\EventListener\SendFailedMessageToFailureTransportListener;
use Symfony\Component\Messenger\MessageBus;

final class RrtsMessengerBundleTest extends TestCase
{
    public function testAnApplicationWithMessengerGetsAWorkerAndATransport(): void
    {
        $container = self::container();
        $container->register('messenger.routable_message_bus', MessageBus::class);
        $container->register('messenger.receiver_locator', ServiceLocator::class)->setArguments([[]]);
        $container->register('messenger.retry.send_failed_message_for_retry_listener', SendFailedMessageForRetryListener::class)->setPublic(true)->setArguments([new ServiceLocator([]), new ServiceLocator([])]);
        $container->register('messenger.failure.send_failed_message_to_failure_transport_listener', SendFailedMessageToFailureTransportListener::class)->setArguments([new ServiceLocator([])]);
        $ours = $container->register('messenger.transport.async', Transport::class)->setArguments(['rrts://async'])->addTag('messenger.receiver', ['alias' => 'async']);
        $other = $container->register('messenger.transport.other', Transport::class)->setArguments(['redis://localhost'])->addTag('messenger.receiver', ['alias' => 'other']);
        self::assertSame([TransportFactory::class], \array_keys($container->findTaggedServiceIds('messenger.transport_factory')));
        $container->compile();
        self::assertSame([[['is_consumable' => false, 'alias' => 'async']], [['alias' => 'other']]], [$ours->getTag('messenger.receiver'), $other->getTag('messenger.receiver')]);
        $worker = $container->get(MessengerWorker::class);
        self::assertInstanceOf(MessengerWorker::class, $worker);
        $worker->start();
        self::assertInstanceOf(RetryListener::class, $container->get('messenger.retry.send_failed_message_for_retry_listener'));
    }

    public function testAnApplicationWithoutMessengerIsLeftAlone(): void
    {
        $container = self::container();
        $container->compile();
        self::assertFalse($container->has(MessengerWorker::class));
    }

    private static function container(): ContainerBuilder
    {
        $container = new ContainerBuilder();
        (new RrtsMessengerBundle())->build($container);

        return $container;
    }
}
