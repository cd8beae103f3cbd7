<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Symfony\Component\DependencyInjection\Compiler\PassConfig;
use Symfony\Component\DependencyInjection\ContainerBuilder;
use Symfony\Component\HttpKernel\Bundle\Bundle;

/** Lets Messenger know `rrts://` transports, and {@see \Rrts\Runtime\Runtime} find what handles their messages. For config/bundles.php. */
final class RrtsMessengerBundle extends Bundle
{
    public function build(ContainerBuilder $container): void
    {
        parent::build($container);
        $container->register(TransportFactory::class, TransportFactory::class)->addTag('messenger.transport_factory');
        // Before Symfony's own, which collects the transports.
        $container->addCompilerPass(new MessengerPass(), PassConfig::TYPE_BEFORE_OPTIMIZATION, 1);
    }
}
