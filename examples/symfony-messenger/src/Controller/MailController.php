<?php

// Pages that send messages, and one that shows what has become of them.

declare(strict_types=1);

namespace App\Controller;

use App\Message\BuildReport;
use App\Message\SendMail;
use App\Outbox;
use Rrts\Messenger\UniqueStamp;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\Messenger\MessageBusInterface;
use Symfony\Component\Messenger\Stamp\DelayStamp;
use Symfony\Component\Messenger\Stamp\TransportMessageIdStamp;

final class MailController
{
    public function __construct(private readonly MessageBusInterface $bus, private readonly Outbox $outbox) {}

    public function index(): Response
    {
        return new Response(<<<'HTML'
            <!DOCTYPE html>
            <title>Messages</title>
            <h1>Symfony Messenger on rrts</h1>
            <ul>
            <li><a href="/mail?to=you@example.org&amp;text=Hello">send a mail</a>: a worker of the server handles it
            <li><a href="/mail?to=later@example.org&amp;delay=5">send one in five seconds</a>
            <li><a href="/mail?to=once@example.org&amp;unique=once&amp;delay=5">send one only if it is not waiting already</a>
            <li><a href="/mail?to=somebody@example.invalid">one that fails three times</a> and ends in the pipeline mails-failed
            <li><a href="/report?name=june">build a report</a>: by messenger:consume, from Redis
            <li><a href="/outbox">what was sent</a>, and by which process
            </ul>
            HTML);
    }

    public function mail(Request $request): Response
    {
        $query = $request->query;
        $stamps = $query->has('delay') ? [new DelayStamp(1000 * $query->getInt('delay'))] : [];
        $stamps = $query->has('unique') ? [...$stamps, new UniqueStamp((string) $query->get('unique'))] : $stamps;
        $envelope = $this->bus->dispatch(new SendMail((string) $query->get('to', 'you@example.org'), (string) $query->get('text', 'Hello')), $stamps);
        $id = $envelope->last(TransportMessageIdStamp::class);

        return new JsonResponse(['id' => $id instanceof TransportMessageIdStamp ? $id->getId() : null, 'pid' => \getmypid()]);
    }

    public function report(Request $request): Response
    {
        $this->bus->dispatch(new BuildReport((string) $request->query->get('name', 'june')));

        return new JsonResponse(['sent' => true, 'pid' => \getmypid()]);
    }

    public function outbox(): Response
    {
        return new Response($this->outbox->contents(), 200, ['content-type' => 'text/plain; charset=utf-8']);
    }
}
