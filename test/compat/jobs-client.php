<?php
// Speaks the RPC service jobs through RoadRunner's own package, unmodified: php jobs-client.php tcp://127.0.0.1:6001

declare(strict_types=1);

namespace Fixture;

use RoadRunner\Jobs\DTO\V1\Pipelines;
use Spiral\Goridge\RPC\Codec\ProtobufCodec;
use Spiral\Goridge\RPC\RPC;
use Spiral\RoadRunner\Jobs\Jobs;
use Spiral\RoadRunner\Jobs\Options;
use Spiral\RoadRunner\Jobs\Queue\AMQPCreateInfo;
use Spiral\RoadRunner\Jobs\Queue\BoltdbCreateInfo;
use Spiral\RoadRunner\Jobs\Queue\CreateInfo;
use Spiral\RoadRunner\Jobs\Queue\Driver;
use Spiral\RoadRunner\Jobs\Queue\MemoryCreateInfo;

require __DIR__ . '/jobs/vendor/autoload.php';
require __DIR__ . '/../fixtures/php/lib/commands.php';

$rpc = RPC::create((string) $argv[1]);
$jobs = new Jobs($rpc);

$task = static function (string $queue, string $name, string $payload, array $more = []) use ($jobs) {
    $options = new Options($more['delay'] ?? 0, $more['priority'] ?? 0, $more['auto_ack'] ?? false);
    foreach ($more['headers'] ?? [] as $header => $values) {
        $options = $options->withHeader($header, $values);
    }

    return $jobs->connect($queue)->create($name, $payload, $options);
};
$info = static fn (string $driver, string $name, array $settings) => match ($driver) {
    'memory' => new MemoryCreateInfo($name, ...$settings),
    'boltdb' => new BoltdbCreateInfo($name, ...$settings),
    'amqp' => new AMQPCreateInfo($name, ...$settings),
    default => new CreateInfo(Driver::from($driver), $name, ...$settings),
};
$names = static fn (string ...$names) => new Pipelines(['pipelines' => $names]);

serve_commands([
    'jobs.push' => static fn (string $queue, string $name, string $payload, array $more = [])
        => $jobs->connect($queue)->dispatch($task($queue, $name, $payload, $more))->getId(),
    'jobs.batch' => static fn (string $queue, array $batch) => \array_map(
        static fn ($task) => $task->getId(),
        $jobs->connect($queue)->dispatchMany(...\array_map(static fn (array $one) => $task($queue, ...$one), $batch)),
    ),
    'jobs.pause' => static fn (string ...$queues) => \count($queues) === 1 ? $jobs->connect($queues[0])->pause() : $jobs->pause(...$queues),
    'jobs.resume' => static fn (string ...$queues) => \count($queues) === 1 ? $jobs->connect($queues[0])->resume() : $jobs->resume(...$queues),
    'jobs.paused' => static fn (string $queue) => $jobs->connect($queue)->isPaused(),
    'jobs.list' => static fn () => \array_map(static fn ($queue) => $queue->getName(), \array_values(\iterator_to_array($jobs))),
    'jobs.count' => static fn () => \count($jobs),
    'jobs.stat' => static fn (string $queue)
        => \json_decode($jobs->connect($queue)->getPipelineStat()?->serializeToJsonString() ?? 'null', true),
    'jobs.declare' => static fn (string $driver, string $name, array $settings = []) => $jobs->create($info($driver, $name, $settings))->getName(),
    // The package has no method for it.
    'jobs.destroy' => static fn (string ...$queues) => \iterator_to_array(
        $rpc->withCodec(new ProtobufCodec())->call('jobs.Destroy', $names(...$queues), Pipelines::class)->getPipelines(),
    ),
    'rpc.call' => static fn (string $method, mixed $argument) => $rpc->call($method, $argument),
]);
