<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** The call took longer than its deadline. */
final class RpcTimeoutException extends RpcException {}
