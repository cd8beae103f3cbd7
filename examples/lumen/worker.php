<?php

// The front controller for rrts: builds the application once and answers every request with it.

declare(strict_types=1);

use App\LumenKernel;
use Rrts\Runtime\Runner;

// Lumen's own files still run on today's PHP, which calls some of their signatures deprecated when it loads them.
error_reporting(\E_ALL & ~\E_DEPRECATED & ~\E_USER_DEPRECATED);

require __DIR__ . '/vendor/autoload.php';
require 'Laravel/Lumen/autoload.php';
require 'Symfony/Component/Runtime/autoload.php';

$application = require __DIR__ . '/bootstrap/app.php';

exit((new Runner(new LumenKernel($application)))->run());
