<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** The peer sent bytes that are not the protocol; the connection they came from is of no further use. */
final class ProtocolException extends \RuntimeException implements RrtsException {}
