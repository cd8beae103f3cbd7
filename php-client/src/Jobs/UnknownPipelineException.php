<?php

declare(strict_types=1);

namespace Rrts\Jobs;

/** The server has no pipeline of this name. */
final class UnknownPipelineException extends QueueException {}
