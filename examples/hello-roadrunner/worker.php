<?php

// A worker written for RoadRunner, with RoadRunner's packages: nothing in it knows of rrts.

declare(strict_types=1);

use Nyholm\Psr7\Factory\Psr17Factory;
use Nyholm\Psr7\Response;
use Spiral\RoadRunner\Http\PSR7Worker;
use Spiral\RoadRunner\Worker;

require __DIR__ . '/vendor/autoload.php';

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
        $text = sprintf("Hello from RoadRunner's packages on PHP %s\n", \PHP_VERSION);
        $worker->respond(new Response(200, ['Content-Type' => 'text/plain; charset=utf-8'], $text));
    } catch (\Throwable $error) {
        $worker->getWorker()->error((string) $error);
    }
}
