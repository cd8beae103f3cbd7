<?php

// Symfony Messenger on redis: `fill COUNT` queues messages, `encode` prints one as its serializer writes it, and anything else is a command of
// Symfony's console, such as messenger:consume jobs.

declare(strict_types=1);

use Symfony\Component\Console\Application;
use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\Messenger\Bridge\Redis\Transport\RedisTransportFactory;
use Symfony\Component\Messenger\Command\ConsumeMessagesCommand;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\RoutableMessageBus;
use Symfony\Component\Messenger\Stamp\BusNameStamp;
use Symfony\Component\Messenger\Transport\Serialization\PhpSerializer;

$bus = require __DIR__ . '/messenger-bus.php';
$serializer = new PhpSerializer();
/** The payload of the bench with a number in it. */
$envelope = static fn (int $number): Envelope => new Envelope(
    new BenchJob(str_replace('000000', sprintf('%06d', $number), getenv('BENCH_PAYLOAD'))),
    [new BusNameStamp('messenger.bus.default')],
);
if ($argv[1] === 'encode') {
    exit($serializer->encode($envelope(0))['body']);
}
$options = ['stream' => 'messages', 'consumer' => 'c' . getmypid(), 'delete_after_ack' => true];
$transport = (new RedisTransportFactory())->createTransport(getenv('BENCH_DSN'), $options, $serializer);
if ($argv[1] === 'fill') {
    for ($number = 0; $number < (int) $argv[2]; $number++) {
        $transport->send($envelope($number));
    }
    exit;
}
$console = new Application();
$console->setAutoExit(true);
$console->add(new ConsumeMessagesCommand(
    new RoutableMessageBus(new BenchServices(['messenger.bus.default' => $bus])),
    new BenchServices(['jobs' => $transport]),
    new EventDispatcher(),
    null,
    ['jobs'],
));
$console->run();
