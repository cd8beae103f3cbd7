<?php

declare(strict_types=1);

namespace Rrts\Jobs;

use Rrts\Exception\RrtsException;

/** Thrown by a handler whose job would fail again; exceptions of one's own implement {@see Unrecoverable} instead. */
final class UnrecoverableException extends \RuntimeException implements RrtsException, Unrecoverable {}
