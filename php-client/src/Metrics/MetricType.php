<?php

declare(strict_types=1);

namespace Rrts\Metrics;

/** The kinds of metrics that Prometheus knows. */
enum MetricType: string
{
    /** Only goes up: {@see Metrics::add()}. */
    case Counter = 'counter';

    /** Goes up and down: {@see Metrics::set()}, {@see Metrics::add()}, {@see Metrics::sub()}. */
    case Gauge = 'gauge';

    /** Counts values by buckets: {@see Metrics::observe()}. */
    case Histogram = 'histogram';

    /** Estimates quantiles of values: {@see Metrics::observe()}. */
    case Summary = 'summary';
}
