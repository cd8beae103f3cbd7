<?php

// The front controller of every Symfony application: the runtime class named by APP_RUNTIME decides who serves it.

declare(strict_types=1);

use App\Kernel;

$_SERVER['APP_ENV'] ??= 'prod';
$_SERVER['APP_DEBUG'] ??= '0';

require_once dirname(__DIR__) . '/vendor/autoload_runtime.php';

return static fn(array $context): Kernel => new Kernel($context['APP_ENV'], (bool) $context['APP_DEBUG']);
