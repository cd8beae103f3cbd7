<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Messenger;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\RpcException;
use Rrts\Exception\TransportException as ServerGone;
use Rrts\Jobs\Job;
use Rrts\Messenger\JobOptionsStamp;
use Rrts\Messenger\RetriedByServerStamp;
use Rrts\Messenger\Transport;
use Rrts\Messenger\TransportFactory;
use Rrts\Messenger\UniqueStamp;
use Rrts\Rpc\RpcInterface;
use Rrts\Tests\Stub\Message;
use Rrts\Tests\Stub\ScriptedRpc;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Exception\InvalidArgumentException;
use Symfony\Component\Messenger\Exception\MessageDecodingFailedException;
use Symfony\Component\Messenger\Exception\TransportException;
use Symfony\Component\Messenger\Stamp\DelayStamp;
use Symfony\Component\Messenger\Stamp\TransportMessageIdStamp;
use Symfony\Component\Messenger\Transport\Serialization\PhpSerializer;
use Symfony\Component\Messenger\Transport\Serialization\SerializerInterface;

final class TransportTest extends TestCase
{
    public function testAMessageIsAJobNamedAfterItsClass(): void
    {
        $rpc = self::answering('id-1');
        $envelope = self::transport('rrts://emails', $rpc)->send(new Envelope(new Message("\xff")));

        $stamp = $envelope->last(TransportMessageIdStamp::class);
        self::assertInstanceOf(TransportMessageIdStamp::class, $stamp);
        self::assertSame('id-1', $stamp->getId());
        $job = self::job($rpc);
        self::assertSame([Message::class, ['rrts-messenger-transport' => ['async']]], [$job['job'], $job['headers']]);
        self::assertSame(['job', 'payload', 'headers'], \array_keys($job), 'all else is for the pipeline to say');
    }

    public function testWhatIsSentIsWhatIsDecoded(): void
    {
        $rpc = self::answering('1');
        $transport = self::transport('rrts://emails', $rpc);
        $transport->send(new Envelope(new Message("\xff\0"), [new UniqueStamp('u'), new RetriedByServerStamp()]));
        $payload = self::job($rpc)['payload'];
        self::assertIsString($payload);

        $envelope = $transport->decode(new Job('1', Message::class, $payload));
        self::assertEquals(new Message("\xff\0"), $envelope->getMessage());
        self::assertEquals(new UniqueStamp('u'), $envelope->last(UniqueStamp::class));
        self::assertNull($envelope->last(RetriedByServerStamp::class));
    }

    public function testHeadersOfASerializerTravelAsHeaders(): void
    {
        $serializer = new class implements SerializerInterface {
            /** @param array<array-key, mixed> $encodedEnvelope */
            public function decode(array $encodedEnvelope): Envelope
            {
                return new Envelope(new Message((string) \json_encode($encodedEnvelope)));
            }

            /** @return array<array-key, mixed> */
            public function encode(Envelope $envelope): array
            {
                return ['body' => '{}', 'headers' => ['type' => Message::class, 'X-Message-Stamp-A' => '[1]', 'n' => 5, 'list' => []]];
            }
        };
        $rpc = self::answering('1');
        $transport = self::transport('rrts://emails', $rpc, [], $serializer);
        $transport->send(new Envelope(new Message('x')));
        $job = self::job($rpc);
        $headers = ['rrts-messenger-transport' => ['async'], 'type' => [Message::class], 'X-Message-Stamp-A' => ['[1]'], 'n' => ['5']];
        self::assertSame(['{}', $headers], [$job['payload'], $job['headers']]);
        $decoded = $transport->decode(new Job('1', 'a', '{}', $headers))->getMessage();
        self::assertInstanceOf(Message::class, $decoded);
        self::assertSame(['body' => '{}', 'headers' => ['rrts-messenger-transport' => 'async', 'type' => Message::class, 'X-Message-Stamp-A' => '[1]', 'n' => '5']], \json_decode($decoded->text, true));
    }

    public function testStampsGoBeforeTheDsnAndTheDsnBeforeTheOptions(): void
    {
        $rpc = self::answering(null);
        $transport = self::transport('rrts://e%20mails/?priority=5&timeout=1.5', $rpc, ['priority' => 7, 'max_attempts' => '4', 'transport_name' => 'async']);
        $envelope = $transport->send(new Envelope(new Message('x'), [new DelayStamp(1500), new UniqueStamp('key'), new JobOptionsStamp(timeout: 2.0)]));
        self::assertNull($envelope->last(TransportMessageIdStamp::class), 'a duplicate was not sent');
        $job = self::job($rpc);
        self::assertSame([5, 2000, 4, 'key', 1500], [$job['priority'], $job['timeout'], $job['max_attempts'], $job['unique'], $job['delay']]);
        self::assertSame('e mails', $transport->pipeline);
    }

    public function testWhatCannotBeSentIsATransportException(): void
    {
        $failures = [new RpcException('the pipeline emails is full', 'ERR_JOBS_FULL', 'jobs.Send'), new ServerGone('the server is gone')];
        foreach ($failures as $failure) {
            try {
                self::transport('rrts://emails', new ScriptedRpc(static fn() => throw $failure))->send(new Envelope(new Message('x')));
                self::fail('It was sent.');
            } catch (TransportException $exception) {
                self::assertSame('The message was not sent to the pipeline emails: ' . $failure->getMessage(), $exception->getMessage());
            }
        }
    }

    public function testAClassThatHasGoneIsNoMessage(): void
    {
        $this->expectException(MessageDecodingFailedException::class);
        self::transport('rrts://emails')->decode(new Job('1', 'App\Gone', 'O:8:\"App\\\\Gone\":0:{}'));
    }

    public function testItCannotBePulled(): void
    {
        $transport = self::transport('rrts://emails');
        $envelope = new Envelope(new Message('x'));
        foreach ([static fn() => $transport->get(), static fn() => $transport->ack($envelope), static fn() => $transport->reject($envelope)] as $call) {
            try {
                $call();
                self::fail('It was pulled.');
            } catch (TransportException $exception) {
                self::assertStringContainsString('the transport async to its own workers, so messenger:consume cannot take them: put emails into jobs.consume', $exception->getMessage());
            }
        }
    }

    public function testItSaysHowManyWait(): void
    {
        $overview = ['pipelines' => [['pipeline' => 'other', 'waiting' => 9, 'delayed' => 9], ['pipeline' => 'emails', 'waiting' => 3, 'delayed' => 4]]];
        self::assertSame(7, self::transport('rrts://emails', new ScriptedRpc(static fn() => $overview))->getMessageCount());
        $unknown = [static fn() => $overview['pipelines'][0], static fn() => throw new RpcException('no', 'ERR_RPC_METHOD', 'jobs.Overview')];
        foreach ($unknown as $answer) {
            try {
                self::transport('rrts://emails', new ScriptedRpc($answer))->getMessageCount();
                self::fail('It was counted.');
            } catch (TransportException $exception) {
                self::assertStringContainsString('emails', $exception->getMessage());
            }
        }
    }

    public function testTheFactoryKnowsItsScheme(): void
    {
        $factory = new TransportFactory();
        self::assertTrue($factory->supports('rrts://emails', []));
        self::assertFalse($factory->supports('redis://localhost', []));
        self::assertFalse($factory->supports('rrts:emails', []));
    }

    public function testWithoutAnythingElseItsNameIsThatOfThePipeline(): void
    {
        $transport = (new TransportFactory(self::answering()))->createTransport('rrts://emails?retries=symfony', [], new PhpSerializer());
        self::assertInstanceOf(Transport::class, $transport);
        self::assertSame(['emails', true], [$transport->name, $transport->hasSymfonyRetries()]);
        self::assertFalse(self::transport('rrts://emails?retries=server')->hasSymfonyRetries());
    }

    /** @return iterable<string, array{string, array<string, mixed>, string}> */
    public static function wrongDsns(): iterable
    {
        yield 'no pipeline' => ['rrts://', [], 'The DSN "rrts://" names no pipeline: rrts://pipeline expected.'];
        yield 'a path' => ['rrts://emails/more', [], 'names no pipeline'];
        yield 'an unknown option' => ['rrts://emails?prio=1', ['queues' => []], 'has unknown options: prio, queues. There are: priority, timeout, max_attempts, retries.'];
        yield 'no number' => ['rrts://emails?priority=high', [], 'The option priority of "rrts://emails?priority=high" must be a whole number.'];
        yield 'a list' => ['rrts://emails', ['priority' => [1]], 'must be a whole number'];
        yield 'no attempt' => ['rrts://emails?max_attempts=0', [], 'must be at least 1'];
        yield 'no time' => ['rrts://emails?timeout=0', [], 'must be a number of seconds over 0'];
        yield 'somebody else' => ['rrts://emails?retries=me', [], 'must be "server" or "symfony"'];
    }

    /** @param array<string, mixed> $options */
    #[DataProvider('wrongDsns')]
    public function testAWrongDsn(string $dsn, array $options, string $message): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage($message);
        (new TransportFactory())->createTransport($dsn, $options, new PhpSerializer());
    }

    /** @param array<string, mixed> $options */
    private static function transport(string $dsn, ?RpcInterface $rpc = null, array $options = ['transport_name' => 'async'], SerializerInterface $serializer = new PhpSerializer()): Transport
    {
        $transport = (new TransportFactory($rpc ?? self::answering('1')))->createTransport($dsn, $options + ['transport_name' => 'async'], $serializer);
        self::assertInstanceOf(Transport::class, $transport);

        return $transport;
    }

    private static function answering(?string ...$ids): ScriptedRpc
    {
        return new ScriptedRpc(static fn() => ['ids' => \array_values($ids)]);
    }

    /** @return array<string, mixed> the one that was sent */
    private static function job(ScriptedRpc $rpc): array
    {
        self::assertCount(1, $rpc->calls);
        /** @var array{jobs: array{array<string, mixed>}} $argument */
        $argument = $rpc->calls[0][1];

        return $argument['jobs'][0];
    }
}
