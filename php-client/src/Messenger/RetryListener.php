<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Symfony\Component\Messenger\Event\WorkerMessageFailedEvent;
use Symfony\Component\Messenger\EventListener\SendFailedMessageForRetryListener;

/** Symfony's own, which sends a failed message once more; but not one that the server is going to run again: it would come twice. */
final class RetryListener extends SendFailedMessageForRetryListener
{
    /** Sends it again unless the server does. */
    public function onMessageFailed(WorkerMessageFailedEvent $event): void
    {
        if ($event->getEnvelope()->last(RetriedByServerStamp::class) === null) {
            parent::onMessageFailed($event);
        }
    }
}
