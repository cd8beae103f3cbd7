<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Symfony\Component\Messenger\Stamp\NonSendableStampInterface;

/**
 * Tells {@see RetryListener} that the server runs the message again, or has had enough of it.
 *
 * @internal
 */
final class RetriedByServerStamp implements NonSendableStampInterface {}
