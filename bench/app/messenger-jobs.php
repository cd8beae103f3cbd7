<?php

// Symfony Messenger's bus, fed by rrts instead of messenger:consume.

declare(strict_types=1);

use Rrts\Jobs\JobWorker;
use Rrts\Messenger\MessengerWorker;
use Rrts\Messenger\TransportFactory;
use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\Messenger\Transport\Serialization\PhpSerializer;

require __DIR__ . '/vendor/autoload.php';

$bus = require __DIR__ . '/messenger-bus.php';
$transport = (new TransportFactory())->createTransport('rrts://jobs', ['transport_name' => 'jobs'], new PhpSerializer());
JobWorker::consume(new MessengerWorker($bus, new BenchServices(['jobs' => $transport]), new EventDispatcher()));
