<?php

declare(strict_types=1);

namespace Rrts\Jobs;

/** An exception that says: the job would fail again. It goes to the dead letters at once, whatever attempts it has left. */
interface Unrecoverable extends \Throwable {}
