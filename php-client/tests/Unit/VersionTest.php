<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit;

use PHPUnit\Framework\TestCase;
use Rrts\Version;

final class VersionTest extends TestCase
{
    public function testTheClientHasTheVersionOfTheServerItShipsWith(): void
    {
        /** @var array{version: string} $package */
        $package = \json_decode((string) \file_get_contents(__DIR__ . '/../../../package.json'), true, 8, \JSON_THROW_ON_ERROR);

        self::assertSame($package['version'], Version::CLIENT);
    }
}
