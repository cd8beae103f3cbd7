<?php
// Runs the jobs of the tests with RoadRunner's own package, unmodified: Consumer and its tasks.

declare(strict_types=1);

namespace Fixture;

use Spiral\RoadRunner\Jobs\Consumer;
use Spiral\RoadRunner\Payload;
use Spiral\RoadRunner\Worker;

require __DIR__ . '/jobs/vendor/autoload.php';
require __DIR__ . '/../fixtures/php/lib/job-script.php';

$worker = Worker::create();
$consumer = new Consumer($worker);

while ($task = $consumer->waitTask()) {
    $facts = [
        'id' => $task->getId(),
        'name' => $task->getName(),
        'pipeline' => $task->getPipeline(),
        'queue' => $task->getQueue(),
        'driver' => $task->getDriver()->value,
    ];
    $script = JobScript::begin($facts, $task->getPayload(), $task->getHeaders());
    match ($script->reply) {
        'complete' => $task->complete(),
        'fail' => $task->fail($script->message),
        'requeue' => $task->withHeader('again', 'yes')->withDelay($script->delay)->fail($script->message, true),
        // What later versions of the package say by methods of their own: types 2, 3 and 4.
        'body' => $worker->respond(new Payload($script->body)),
        'error' => $worker->error($script->message),
        'exit' => exit(1),
    };
}
