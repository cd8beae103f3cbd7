<?php

declare(strict_types=1);

use Rrts\Jobs\Job;

require_once dirname(__DIR__) . '/vendor/autoload_runtime.php';

return static fn(): \Closure => static function (Job $job): void {
    if ($job->payload === 'bad') {
        throw new \DomainException('a bad payload');
    }
    echo "did {$job->name}\n";
};
