<?php

// RoadRunner's packages, unmodified, with the PSR-7 application. BENCH_ROADRUNNER_VENDOR says where they are.

declare(strict_types=1);

use Nyholm\Psr7\Factory\Psr17Factory;
use Nyholm\Psr7\Response;
use Spiral\RoadRunner\Http\PSR7Worker;
use Spiral\RoadRunner\Worker;

require getenv('BENCH_ROADRUNNER_VENDOR') . '/autoload.php';

$handler = require __DIR__ . '/handler.php';
$factory = new Psr17Factory();
$worker = new PSR7Worker(Worker::create(), $factory, $factory, $factory);

while (true) {
    try {
        $request = $worker->waitRequest();
    } catch (\Throwable) {
        $worker->respond(new Response(400));
        continue;
    }

    if ($request === null) {
        break;
    }

    try {
        $worker->respond($handler($request));
    } catch (\Throwable $error) {
        $worker->getWorker()->error((string) $error);
    }
}
