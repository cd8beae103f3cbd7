<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Metrics;

use PHPUnit\Framework\TestCase;
use Rrts\Exception\TransportException;
use Rrts\Metrics\Metrics;
use Rrts\Metrics\MetricType;
use Rrts\Tests\Stub\RecordingRpc;

final class MetricsTest extends TestCase
{
    public function testEachMethodIsOneCall(): void
    {
        $rpc = new RecordingRpc();
        $metrics = new Metrics($rpc);
        $metrics->add('orders');
        $metrics->sub('depth', 2.5, ['mail']);
        $metrics->set('depth', 7, ['mail']);
        $metrics->observe('seconds', 0.25);
        $metrics->unregister('orders');

        self::assertSame([
            ['metrics.Add', ['name' => 'orders', 'value' => 1.0, 'labels' => []]],
            ['metrics.Sub', ['name' => 'depth', 'value' => 2.5, 'labels' => ['mail']]],
            ['metrics.Set', ['name' => 'depth', 'value' => 7.0, 'labels' => ['mail']]],
            ['metrics.Observe', ['name' => 'seconds', 'value' => 0.25, 'labels' => []]],
            ['metrics.Unregister', 'orders'],
        ], $rpc->calls);
    }

    public function testADeclarationSaysOnlyWhatIsGiven(): void
    {
        $rpc = new RecordingRpc();
        $metrics = new Metrics($rpc);
        $metrics->declare('orders', MetricType::Counter, 'Orders.', ['country'], namespace: 'shop', subsystem: 'web');
        $metrics->declare('seconds', MetricType::Histogram, buckets: [0.1, 1]);
        $metrics->declare('size', MetricType::Summary, quantiles: [0.5, 0.99]);
        $plain = ['help' => '', 'labels' => [], 'namespace' => '', 'subsystem' => ''];

        self::assertSame([
            ['metrics.Declare', ['name' => 'orders', 'collector' => [
                'type' => 'counter', 'help' => 'Orders.', 'labels' => ['country'], 'namespace' => 'shop', 'subsystem' => 'web',
            ]]],
            ['metrics.Declare', ['name' => 'seconds', 'collector' => ['type' => 'histogram', ...$plain, 'buckets' => [0.1, 1]]]],
            ['metrics.Declare', ['name' => 'size', 'collector' => ['type' => 'summary', ...$plain, 'objectives' => ['0.5' => 0.01, '0.99' => 0.01]]]],
        ], $rpc->calls);
    }

    public function testALostServerIsTold(): void
    {
        $this->expectException(TransportException::class);
        (new Metrics(new RecordingRpc(broken: true)))->add('orders');
    }
}
