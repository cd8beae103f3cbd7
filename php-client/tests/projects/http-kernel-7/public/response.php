<?php

declare(strict_types=1);

use Symfony\Component\HttpFoundation\Response;

require_once dirname(__DIR__) . '/vendor/autoload_runtime.php';

return static fn(): Response => new Response('always the same', 203);
