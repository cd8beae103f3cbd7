<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

/** An enum whose cases have values. */
enum Suit: string
{
    case Hearts = 'H';
}
