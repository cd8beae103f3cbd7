<?php
// Speaks the RPC services through RoadRunner's own packages, unmodified: php services-client.php tcp://127.0.0.1:6001

declare(strict_types=1);

namespace Fixture;

use RoadRunner\Lock\Lock;
use RoadRunner\Logger\Logger;
use Spiral\Goridge\RPC\RPC;
use Spiral\RoadRunner\KeyValue\Factory;
use Spiral\RoadRunner\Metrics\Collector;
use Spiral\RoadRunner\Metrics\Metrics;
use Spiral\RoadRunner\Services\Manager;
use Spiral\RoadRunner\WorkerPool;

require __DIR__ . '/services/vendor/autoload.php';
require __DIR__ . '/../fixtures/php/lib/commands.php';

$rpc = RPC::create((string) $argv[1]);
$metrics = new Metrics($rpc);
$factory = new Factory($rpc);
$lock = new Lock($rpc);
$services = new Manager($rpc);
$logger = new Logger($rpc);
$pool = new WorkerPool($rpc);

$declare = static function (string $name, string $type, array $labels = [], array $more = []) use ($metrics): void {
    $collector = match ($type) {
        'counter' => Collector::counter(),
        'gauge' => Collector::gauge(),
        'histogram' => Collector::histogram(...\array_map(floatval(...), $more['buckets'] ?? [])),
        'summary' => Collector::summary(),
    };
    $metrics->declare(
        $name,
        $collector->withLabels(...$labels)
            ->withHelp($more['help'] ?? '')
            ->withNamespace($more['namespace'] ?? '')
            ->withSubsystem($more['subsystem'] ?? ''),
    );
};
$time = static fn (?\DateTimeInterface $time) => $time?->format(\DATE_RFC3339);

serve_commands([
    'rpc.call' => static fn (string $method, mixed $argument) => $rpc->call($method, $argument),
    'pool.count' => $pool->countWorkers(...),
    'pool.pids' => static fn (string $plugin) => \array_map(
        static fn ($worker) => $worker->pid,
        $pool->getWorkers($plugin)->getWorkers(),
    ),
    'pool.add' => $pool->addWorker(...),
    'pool.remove' => $pool->removeWorker(...),
    'metrics.declare' => $declare,
    'metrics.add' => $metrics->add(...),
    'metrics.sub' => $metrics->sub(...),
    'metrics.set' => $metrics->set(...),
    'metrics.observe' => $metrics->observe(...),
    'metrics.unregister' => $metrics->unregister(...),
    'kv.set' => static fn (string $name, array $values, ?int $ttl = null) => $factory->select($name)->setMultiple($values, $ttl),
    'kv.get' => static fn (string $name, array $keys) => \iterator_to_array($factory->select($name)->getMultiple($keys)),
    'kv.has' => static fn (string $name, string $key) => $factory->select($name)->has($key),
    'kv.delete' => static fn (string $name, array $keys) => $factory->select($name)->deleteMultiple($keys),
    'kv.clear' => static fn (string $name) => $factory->select($name)->clear(),
    'kv.ttl' => static fn (string $name, array $keys) => \array_map(
        $time,
        \iterator_to_array($factory->select($name)->getMultipleTtl($keys)),
    ),
    'lock.lock' => static fn (string $resource, string $id, float $ttl = 0.0, float $wait = 0.0) => $lock->lock($resource, $id, $ttl, $wait) !== false,
    'lock.lockRead' => static fn (string $resource, string $id, float $ttl = 0.0, float $wait = 0.0) => $lock->lockRead($resource, $id, $ttl, $wait) !== false,
    'lock.release' => $lock->release(...),
    'lock.forceRelease' => $lock->forceRelease(...),
    'lock.exists' => $lock->exists(...),
    'lock.updateTtl' => $lock->updateTTL(...),
    'service.create' => static fn (string $name, string $command, array $more = []) => $services->create(
        $name,
        $command,
        processNum: $more['process_num'] ?? 1,
        execTimeout: $more['exec_timeout'] ?? 0,
        remainAfterExit: $more['remain_after_exit'] ?? false,
        env: $more['env'] ?? [],
        restartSec: $more['restart_sec'] ?? 30,
        serviceNameInLogs: $more['service_name_in_logs'] ?? false,
        stopTimeout: $more['timeout_stop_sec'] ?? 5,
    ),
    'service.terminate' => $services->terminate(...),
    'service.restart' => $services->restart(...),
    'service.list' => $services->list(...),
    'service.statuses' => static fn (string $name) => \array_map(
        static fn (array $status) => ['error' => $status['error']['message'] ?? null] + $status,
        $services->statuses($name),
    ),
    'app.log' => static fn (string $level, string $message, array $context = []) => $logger->{$level}($message, $context),
]);
