<?php

declare(strict_types=1);

namespace Rrts\Tests\Worker;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\RpcTimeoutException;
use Rrts\Protocol\Frame;
use Rrts\Tests\Stub\Master;
use Rrts\Tests\Stub\RpcCall;

/** A real worker process that calls: at boot, in a request, in a stream, after an answer; with ext-msgpack and without. */
final class InBandRpcTest extends TestCase
{
    /** @return iterable<string, array{list<string>}> */
    public static function phpOptions(): iterable
    {
        yield 'with ext-msgpack' => [[]];
        yield 'without any extension' => [['-n']];
    }

    /** @param list<string> $options */
    #[DataProvider('phpOptions')]
    public function testCallsAtBootBeforeTheFirstRequest(array $options): void
    {
        $master = self::boot($options, ['booted' => true]);

        self::assertSame('{"booted":true}', $master->request('GET', '/boot')->body());
        self::assertSame(0, $master->stop());
    }

    /** @param list<string> $options */
    #[DataProvider('phpOptions')]
    public function testARequestThatIsThereBeforeTheReplyAtBootWaits(array $options): void
    {
        $master = self::start($options);
        $call = $master->call();
        $master->begin('GET', '/boot');
        $master->send($call->reply('late'));

        self::assertSame('"late"', $master->reply()->body());
    }

    /** @param list<string> $options */
    #[DataProvider('phpOptions')]
    public function testCallsInARequest(array $options): void
    {
        $master = self::boot($options);
        $value = ['text' => "caf\u{e9}", 'list' => [1, 2.5, null, true], 'large' => \str_repeat('x', 300000)];
        $master->begin('POST', '/call', [], (string) \json_encode($value));
        $call = $master->call();
        self::assertSame(['test.Echo', $value], [$call->method, $call->argument]);
        $master->send($call->reply($call->argument));

        self::assertSame($value, \json_decode($master->reply()->body(), true));
    }

    public function testSeveralAtOnceAnsweredBackwards(): void
    {
        $master = self::boot([]);
        $master->begin('GET', '/several');
        $calls = \array_map(static fn(): RpcCall => $master->call(), \range(1, 5));
        foreach (\array_reverse($calls) as $call) {
            $master->send($call->reply($call->argument));
        }

        self::assertSame('[1,2,3,4,5]', $master->reply()->body());
    }

    public function testCallsBetweenThePiecesOfAStream(): void
    {
        $master = self::boot([]);
        $master->begin('GET', '/stream');
        $pieces = [];
        for ($i = 0; $i < 3; $i++) {
            $call = $master->call();
            self::assertSame($i, $call->argument);
            $master->send($call->reply("piece {$i}"));
            $frame = $master->receive();
            $pieces[] = \substr($frame->payload, $frame->options[0]);
        }

        self::assertSame(['piece 0', 'piece 1', 'piece 2'], $pieces);
        self::assertSame([], $master->reply()->chunks);
    }

    public function testCallsAfterTheAnswer(): void
    {
        $master = self::boot([]);
        self::assertSame('answer', $master->request('GET', '/after')->body());
        $call = $master->call();
        self::assertSame('test.After', $call->method);
        $master->begin('GET', '/boot');
        $master->send($call->reply('after all'));

        self::assertSame('null', $master->reply()->body());
        self::assertStringContainsString('"after all"', $master->waitForLog('after all'));
    }

    public function testAFailureLeavesTheWorkerWell(): void
    {
        $master = self::boot([]);
        $master->begin('GET', '/fails');
        $call = $master->call();
        $master->send($call->error('ERR_RPC_TIMEOUT', 'no answer within 60 s'));

        self::assertSame([RpcTimeoutException::class, 'test.Fails: no answer within 60 s'], \json_decode($master->reply()->body(), true));
        self::assertSame('null', $master->request('GET', '/boot')->body());
        self::assertSame(0, $master->stop());
    }

    public function testAWorkerWhoseMasterDiesDuringACallEnds(): void
    {
        $master = self::boot([]);
        $master->begin('POST', '/call', [], '1');
        self::assertSame(Frame::MSGPACK, $master->receive()->flags);

        self::assertNotSame(0, $master->hangUp());
        self::assertStringContainsString('The master closed the channel during a call', $master->log());
    }

    public function testAMasterWithoutItIsNamedAsTheCause(): void
    {
        $master = new Master(__DIR__ . '/fixtures/rpc.php');

        self::assertNotSame(0, $master->waitForExit());
        self::assertStringContainsString('takes no calls on the channel of its workers', $master->log());
    }

    public function testAnRpcSocketThatIsNotThereFailsTheRequestAlone(): void
    {
        $master = new Master(__DIR__ . '/fixtures/lean.php');
        $reply = $master->request('GET', '/lost-socket');

        self::assertStringContainsString('kv.Get: cannot connect to tcp://127.0.0.1:1', (string) $reply->error);
        self::assertSame('Hello', $master->request('GET', '/hello')->body());
        self::assertSame(0, $master->stop());
    }

    public function testAKernelThatCallsWhileItBootsSaysHelloEarly(): void
    {
        $master = new Master(__DIR__ . '/fixtures/boot-rpc.php', handshake: false, environment: ['RR_RPC' => '', 'RRTS_RPC' => '']);
        $master->welcome(rpcMax: 1 << 20);
        $call = $master->call();
        self::assertSame('test.Boot', $call->method);
        $master->send($call->reply('booted'));

        self::assertSame('booted', $master->request('GET', '/')->body());
        self::assertSame(0, $master->stop());
    }

    /** @param list<string> $options */
    private static function boot(array $options, mixed $reply = null): Master
    {
        $master = self::start($options);
        $master->send($master->call()->reply($reply));

        return $master;
    }

    /** @param list<string> $options */
    private static function start(array $options): Master
    {
        $master = new Master(__DIR__ . '/fixtures/rpc.php', options: $options, handshake: false);
        $master->welcome(rpcMax: 1 << 20);

        return $master;
    }
}
