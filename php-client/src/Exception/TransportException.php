<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** The channel to the master cannot be opened, read or written, or it ended inside a frame. */
final class TransportException extends \RuntimeException implements RrtsException {}
