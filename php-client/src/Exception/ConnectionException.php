<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** The connection to an RPC listener cannot be made or broke. A request that does not catch it fails, and its worker goes on. */
final class ConnectionException extends TransportException {}
