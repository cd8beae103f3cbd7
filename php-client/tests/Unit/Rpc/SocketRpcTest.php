<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Rpc;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\ConfigurationException;
use Rrts\Exception\RpcException;
use Rrts\Exception\RpcMethodException;
use Rrts\Exception\RpcTimeoutException;
use Rrts\Exception\TransportException;
use Rrts\Rpc\Rpc;
use Rrts\Rpc\SocketRpc;
use Rrts\Tests\Stub\RpcServer;

/** Against a server process. */
final class SocketRpcTest extends TestCase
{
    /** @return iterable<string, array{string}> */
    public static function addresses(): iterable
    {
        yield 'tcp' => ['tcp://127.0.0.1:0'];
        yield 'unix' => ['unix://' . \sys_get_temp_dir() . '/rrts-rpc-' . \getmypid() . '.sock'];
    }

    #[DataProvider('addresses')]
    public function testCalls(string $address): void
    {
        $server = new RpcServer($address);
        $rpc = new SocketRpc($server->address);
        foreach ([null, 'text', ['a' => [1, 2.5]], \str_repeat('x', 5_000_000)] as $value) {
            self::assertSame($value, $rpc->call('test.Echo', $value));
        }
        self::assertSame(1500, $rpc->call('test.Deadline', null, 1.5));
        self::assertSame(1, $rpc->call('test.Connections'));
        try {
            $rpc->call('test.Nothing');
            self::fail('No exception.');
        } catch (RpcMethodException $exception) {
            self::assertSame('test.Nothing: no method test.Nothing', $exception->getMessage());
        }
        if (\str_starts_with($address, 'unix://')) {
            \unlink(\substr($address, 7));
        }
    }

    public function testSeveralAtOnceInAnyOrder(): void
    {
        $server = new RpcServer();
        $rpc = new SocketRpc($server->address);
        $held = $rpc->start('test.Hold');
        $dropped = $rpc->start('test.Echo', 'dropped');
        unset($dropped);
        $second = $rpc->start('test.Echo', 'second');

        self::assertSame(['second', 'held'], [$second->wait(), $held->wait()]);
    }

    public function testNotificationsArriveAndTheirRepliesDoNotPileUp(): void
    {
        $server = new RpcServer();
        $rpc = new SocketRpc($server->address);
        for ($i = 0; $i < 2000; $i++) {
            $rpc->notify('test.Echo', \str_repeat('x', 2000));
        }
        $rpc->notify('test.Note', 'last');

        self::assertSame(['last'], $rpc->call('test.Notes'));
    }

    public function testACallThatIsNeverAnsweredEndsASecondAfterItsDeadline(): void
    {
        $server = new RpcServer();
        $rpc = new SocketRpc($server->address);
        $start = \microtime(true);
        try {
            $rpc->call('test.Silent', null, 0.2);
            self::fail('No exception.');
        } catch (RpcTimeoutException $exception) {
            self::assertSame(['ERR_RPC_TIMEOUT', 'test.Silent'], [$exception->errorCode, $exception->method]);
            self::assertEqualsWithDelta(1.2, \microtime(true) - $start, 0.3);
        }
        self::assertSame('well', $rpc->call('test.Echo', 'well'));
    }

    public function testAConnectionThatBreaksIsMadeAgainByTheNextCall(): void
    {
        $server = new RpcServer();
        $rpc = new SocketRpc($server->address);
        foreach (['test.HangUp', 'test.Garbage'] as $method) {
            $pending = $rpc->start('test.Silent');
            try {
                $rpc->call($method);
                self::fail('No exception.');
            } catch (TransportException $exception) {
                self::assertStringStartsWith("{$method}: {$server->address}: ", $exception->getMessage());
            }
            self::assertSame('again', $rpc->call('test.Echo', 'again'));
            try {
                $pending->wait();
                self::fail('No exception.');
            } catch (TransportException $exception) {
                self::assertSame('test.Silent: the connection broke before the reply came', $exception->getMessage());
            }
        }
        self::assertSame(3, $rpc->call('test.Connections'));
    }

    public function testAServerThatWasStartedAnewBetweenTwoCallsIsNotNoticed(): void
    {
        $server = new RpcServer();
        $rpc = new SocketRpc($server->address);
        $rpc->call('test.Echo');
        $handles = $rpc->handles();
        $server->stop();
        $server = new RpcServer($server->address);

        self::assertSame('new', $rpc->call('test.Echo', 'new'));
        self::assertTrue($handles->areLost());
        self::assertFalse($rpc->handles()->areLost());
    }

    public function testNobodyThereIsATransportException(): void
    {
        $server = new RpcServer();
        $server->stop();
        $this->expectException(TransportException::class);
        $this->expectExceptionMessage("kv.Get: cannot connect to {$server->address}: Connection refused");
        (new SocketRpc($server->address))->call('kv.Get');
    }

    public function testTheTokenGoesFirst(): void
    {
        $server = new RpcServer(token: 'secret');

        self::assertSame('in', (new SocketRpc($server->address, 'secret'))->call('test.Echo', 'in'));
        try {
            (new SocketRpc($server->address, 'wrong'))->call('test.Echo', 'in');
            self::fail('No exception.');
        } catch (RpcException $exception) {
            self::assertSame('rpc.Authenticate: wrong token', $exception->getMessage());
        }
        $open = new RpcServer();
        self::assertSame('open', (new SocketRpc($open->address, 'not needed'))->call('test.Echo', 'open'));
    }

    public function testAWrongAddressIsAMistakeOfTheConfiguration(): void
    {
        foreach (['', 'localhost', 'http://localhost:80', 'tcp://localhost'] as $address) {
            try {
                new SocketRpc($address);
                self::fail("Took {$address}.");
            } catch (ConfigurationException $exception) {
                self::assertStringContainsString('tcp://host:port', $exception->getMessage());
            }
        }
    }

    public function testTheEnvironmentNamesTheSocket(): void
    {
        $server = new RpcServer();
        $script = 'require ' . \var_export(__DIR__ . '/../../../vendor/autoload.php', true) . '; echo Rrts\Rpc\Rpc::fromEnvironment()->call("test.Echo", "found");';
        foreach ([Rpc::VARIABLE => $server->address, 'RR_RPC' => \substr($server->address, 6)] as $variable => $address) {
            self::assertSame('found', self::outputOf($script, [$variable => $address]));
        }
        self::assertStringContainsString('ConfigurationException: There is no way to the server', self::outputOf($script, []));
    }

    /** @param array<string, string> $environment */
    private static function outputOf(string $code, array $environment): string
    {
        $process = \proc_open([\PHP_BINARY, '-r', $code], [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes, null, $environment);
        self::assertIsResource($process);
        $output = \stream_get_contents($pipes[1]) . \stream_get_contents($pipes[2]);
        \proc_close($process);

        return $output;
    }
}
