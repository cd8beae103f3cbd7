<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** The client of a streamed response has gone; thrown into the code that produces the stream so that it can clean up. */
final class StreamStoppedException extends \RuntimeException implements RrtsException {}
