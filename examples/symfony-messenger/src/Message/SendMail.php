<?php

// A mail to send. It goes to the pipeline "mails" of the server.

declare(strict_types=1);

namespace App\Message;

final class SendMail
{
    public function __construct(public readonly string $to, public readonly string $text) {}
}
