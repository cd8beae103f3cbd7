<?php

// rrts's own package with the PSR-7 application.

declare(strict_types=1);

use Rrts\Http\HttpWorker;

require __DIR__ . '/vendor/autoload.php';

HttpWorker::serve(require __DIR__ . '/handler.php');
