<?php

declare(strict_types=1);

namespace Rrts\KeyValue;

use Psr\SimpleCache\InvalidArgumentException as PsrInvalidArgumentException;
use Rrts\Exception\RrtsException;

/** A key or a ttl that PSR-16 does not allow. */
final class InvalidArgumentException extends \InvalidArgumentException implements PsrInvalidArgumentException, RrtsException {}
