<?php

// rrts's own package: one callable.

declare(strict_types=1);

use Rrts\Jobs\Job;
use Rrts\Jobs\JobWorker;

require __DIR__ . '/vendor/autoload.php';
require __DIR__ . '/jobs-handler.php';

JobWorker::consume(static function (Job $job): void {
    run_job($job->payload);
});
