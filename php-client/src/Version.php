<?php

declare(strict_types=1);

namespace Rrts;

/** The version of this package, told to the master in the hello. */
final class Version
{
    public const CLIENT = '0.1.0';
    public const PROTOCOL = 1;
}
