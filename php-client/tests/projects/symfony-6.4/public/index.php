<?php

declare(strict_types=1);

use Rrts\Tests\Project\Kernel;

require_once dirname(__DIR__) . '/vendor/autoload_runtime.php';

return static fn(array $context): Kernel => new Kernel((string) $context['APP_ENV'], (bool) $context['APP_DEBUG']);
