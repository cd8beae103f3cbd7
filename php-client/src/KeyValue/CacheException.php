<?php

declare(strict_types=1);

namespace Rrts\KeyValue;

use Psr\SimpleCache\CacheException as PsrCacheException;
use Rrts\Exception\RrtsException;

/** The storage does not exist, its server cannot be reached, or a value cannot be written or read; the previous exception tells more. */
final class CacheException extends \RuntimeException implements PsrCacheException, RrtsException {}
