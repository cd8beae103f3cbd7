<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** There is no such service or method. */
final class RpcMethodException extends RpcException {}
