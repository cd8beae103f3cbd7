<?php

declare(strict_types=1);

namespace Rrts\Exception;

/**
 * The channel to the master cannot be opened, read or written, or it ended inside a frame: the worker ends with it. Not final for
 * {@see ConnectionException} alone, which is no reason to end.
 */
class TransportException extends \RuntimeException implements RrtsException {}
