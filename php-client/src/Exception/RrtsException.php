<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** Everything this package throws on its own account, for one catch clause. */
interface RrtsException extends \Throwable {}
