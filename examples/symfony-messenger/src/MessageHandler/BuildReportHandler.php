<?php

// Handles reports in the process of `messenger:consume`, and tells somebody by a mail.

declare(strict_types=1);

namespace App\MessageHandler;

use App\Message\BuildReport;
use App\Message\SendMail;
use Symfony\Component\Messenger\Attribute\AsMessageHandler;
use Symfony\Component\Messenger\MessageBusInterface;

#[AsMessageHandler]
final class BuildReportHandler
{
    public function __construct(private readonly MessageBusInterface $bus) {}

    public function __invoke(BuildReport $report): void
    {
        $this->bus->dispatch(new SendMail('boss@example.org', "The report {$report->name} was built by process " . \getmypid() . '.'));
    }
}
