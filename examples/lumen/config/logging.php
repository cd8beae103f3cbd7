<?php

// Lumen's log goes to stderr, where rrts turns each line into one of its own.

declare(strict_types=1);

return [
    'default' => 'stderr',
    'channels' => [
        'stderr' => ['driver' => 'errorlog'],
        'deprecations' => ['driver' => 'monolog', 'handler' => Monolog\Handler\NullHandler::class],
    ],
];
