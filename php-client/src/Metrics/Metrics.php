<?php

declare(strict_types=1);

namespace Rrts\Metrics;

use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException;
use Rrts\Rpc\Rpc;
use Rrts\Rpc\RpcInterface;

/**
 * The application's own metrics on /metrics of the server: those that metrics.collect of the configuration declares, and those that are
 * declared here. All workers share them. Label values are given in the order in which the labels were declared.
 */
final class Metrics
{
    private readonly RpcInterface $rpc;

    /** @param RpcInterface|null $rpc the way to the server; null for that of this process */
    public function __construct(?RpcInterface $rpc = null)
    {
        $this->rpc = $rpc ?? Rpc::fromEnvironment();
    }

    /**
     * Declares a metric. Nothing happens when there is one of that name, so every worker may do it when it boots.
     *
     * @param string $name letters, digits, _ and :
     * @param list<string> $labels
     * @param list<float> $buckets upper bounds of a histogram; none for the usual ones
     * @param list<float> $quantiles of a summary, between 0 and 1; none for the usual ones
     *
     * @throws RpcException when the declaration makes no sense, or there are too many metrics (ERR_METRICS_LIMIT)
     * @throws TransportException when the server cannot be reached
     */
    public function declare(
        string $name,
        MetricType $type,
        string $help = '',
        array $labels = [],
        array $buckets = [],
        array $quantiles = [],
        string $namespace = '',
        string $subsystem = '',
    ): void {
        $collector = ['type' => $type->value, 'help' => $help, 'labels' => $labels, 'namespace' => $namespace, 'subsystem' => $subsystem];
        if ($buckets !== []) {
            $collector['buckets'] = $buckets;
        }
        if ($quantiles !== []) {
            $collector['objectives'] = \array_fill_keys(\array_map(static fn(float $quantile): string => (string) $quantile, $quantiles), 0.01);
        }
        $this->rpc->call('metrics.Declare', ['name' => $name, 'collector' => $collector]);
    }

    /**
     * Adds to a counter or a gauge. A counter takes no negative value.
     *
     * @param list<string> $labels values of the labels
     *
     * @throws RpcException when there is no such metric, or it cannot take this
     * @throws TransportException when the server cannot be reached
     */
    public function add(string $name, float $value = 1.0, array $labels = []): void
    {
        $this->change('Add', $name, $value, $labels);
    }

    /**
     * Takes from a gauge.
     *
     * @param list<string> $labels values of the labels
     *
     * @throws RpcException when there is no such metric, or it cannot take this
     * @throws TransportException when the server cannot be reached
     */
    public function sub(string $name, float $value = 1.0, array $labels = []): void
    {
        $this->change('Sub', $name, $value, $labels);
    }

    /**
     * Sets a gauge.
     *
     * @param list<string> $labels values of the labels
     *
     * @throws RpcException when there is no such metric, or it cannot take this
     * @throws TransportException when the server cannot be reached
     */
    public function set(string $name, float $value, array $labels = []): void
    {
        $this->change('Set', $name, $value, $labels);
    }

    /**
     * Gives a histogram or a summary one value.
     *
     * @param list<string> $labels values of the labels
     *
     * @throws RpcException when there is no such metric, or it cannot take this
     * @throws TransportException when the server cannot be reached
     */
    public function observe(string $name, float $value, array $labels = []): void
    {
        $this->change('Observe', $name, $value, $labels);
    }

    /**
     * Removes a metric with all its values.
     *
     * @throws RpcException when there is no such metric
     * @throws TransportException when the server cannot be reached
     */
    public function unregister(string $name): void
    {
        $this->rpc->call('metrics.Unregister', $name);
    }

    /** @param list<string> $labels */
    private function change(string $method, string $name, float $value, array $labels): void
    {
        $this->rpc->call("metrics.{$method}", ['name' => $name, 'value' => $value, 'labels' => $labels]);
    }
}
