<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** An argument that cannot be sent, is too large, or that the method refuses. */
final class RpcArgumentException extends RpcException {}
