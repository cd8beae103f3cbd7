<?php

// Handles mails in a worker of the server, which keeps the kernel in memory.

declare(strict_types=1);

namespace App\MessageHandler;

use App\Message\SendMail;
use App\Outbox;
use Symfony\Component\Messenger\Attribute\AsMessageHandler;
use Symfony\Component\Messenger\Exception\UnrecoverableMessageHandlingException;

#[AsMessageHandler]
final class SendMailHandler
{
    public function __construct(private readonly Outbox $outbox) {}

    public function __invoke(SendMail $mail): void
    {
        if (!\str_contains($mail->to, '@')) {
            // It would be wrong the next time, too: to the dead letters at once.
            throw new UnrecoverableMessageHandlingException("\"{$mail->to}\" is no address.");
        }
        if (\str_ends_with($mail->to, '.invalid')) {
            throw new \RuntimeException("The mail server of {$mail->to} does not answer.");
        }
        $this->outbox->add(['to' => $mail->to, 'text' => $mail->text]);
    }
}
