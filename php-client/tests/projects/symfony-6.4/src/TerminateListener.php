<?php

declare(strict_types=1);

namespace Rrts\Tests\Project;

use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpKernel\Event\TerminateEvent;
use Symfony\Component\HttpKernel\KernelEvents;

/** Says when terminate runs, and fails there when the request wants it to. */
final class TerminateListener implements EventSubscriberInterface
{
    public static function getSubscribedEvents(): array
    {
        return [KernelEvents::TERMINATE => 'onTerminate'];
    }

    public function onTerminate(TerminateEvent $event): void
    {
        $gate = $event->getRequest()->query->getString('gate');
        if ($gate !== '') {
            // Blocks until the test opens the other end, which it does only after it has the answer.
            \file_get_contents($gate);
            \error_log('terminated ' . $event->getRequest()->getPathInfo());
        }
        if ($event->getRequest()->query->has('fail-terminate')) {
            throw new \DomainException('terminate went wrong');
        }
    }
}
