<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Internal;

use PHPUnit\Framework\TestCase;
use Rrts\Internal\GarbageCollector;

final class GarbageCollectorTest extends TestCase
{
    public function testCollectsAtTheIntervalAndOnlyWhenThereIsSomething(): void
    {
        \gc_collect_cycles();
        $collector = new GarbageCollector(interval: 2, roots: 100);
        self::makeCycles(200);
        $before = \gc_status()['runs'];

        $collector->afterAnswer();
        self::assertSame($before, \gc_status()['runs']);
        $collector->afterAnswer();
        self::assertSame($before + 1, \gc_status()['runs']);
        $collector->afterAnswer();
        $collector->afterAnswer();
        self::assertSame($before + 1, \gc_status()['runs']);
    }

    private static function makeCycles(int $count): void
    {
        for ($i = 0; $i < $count; $i++) {
            $node = new \stdClass();
            $node->self = $node;
        }
    }
}
