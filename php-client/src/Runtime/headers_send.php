<?php

declare(strict_types=1);

/** Sends the headers of the Symfony response that calls it as an informational response; returns the status. */
function headers_send(int $status = 200): int
{
    \Rrts\Runtime\EarlyHints::send($status);

    return $status;
}
