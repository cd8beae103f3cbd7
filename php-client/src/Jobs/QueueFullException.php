<?php

declare(strict_types=1);

namespace Rrts\Jobs;

/** The pipeline holds as many jobs as it may (`max_waiting`); later there may be room. */
final class QueueFullException extends QueueException {}
