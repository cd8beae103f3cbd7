<?php

// The second one knows rrts:// transports.

declare(strict_types=1);

return [
    Symfony\Bundle\FrameworkBundle\FrameworkBundle::class => ['all' => true],
    Rrts\Messenger\RrtsMessengerBundle::class => ['all' => true],
];
