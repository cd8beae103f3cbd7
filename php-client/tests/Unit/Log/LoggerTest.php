<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Log;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Psr\Log\InvalidArgumentException;
use Psr\Log\LogLevel;
use Rrts\Log\Logger;
use Rrts\Tests\Stub\RecordingRpc;

final class LoggerTest extends TestCase
{
    /** @return iterable<string, array{string, string, string|null}> */
    public static function levels(): iterable
    {
        yield 'emergency' => [LogLevel::EMERGENCY, 'Error', 'emergency'];
        yield 'alert' => [LogLevel::ALERT, 'Error', 'alert'];
        yield 'critical' => [LogLevel::CRITICAL, 'Error', 'critical'];
        yield 'error' => [LogLevel::ERROR, 'Error', null];
        yield 'warning' => [LogLevel::WARNING, 'Warning', null];
        yield 'notice' => [LogLevel::NOTICE, 'Info', 'notice'];
        yield 'info' => [LogLevel::INFO, 'Info', null];
        yield 'debug' => [LogLevel::DEBUG, 'Debug', null];
    }

    #[DataProvider('levels')]
    public function testALevelIsOneOfTheServer(string $level, string $method, ?string $severity): void
    {
        $rpc = new RecordingRpc();
        (new Logger($rpc))->log($level, 'done');

        self::assertSame($severity === null
            ? [["app.{$method}", 'done']]
            : [["app.{$method}WithContext", ['message' => 'done', 'log_attrs' => [['key' => 'severity', 'value' => $severity]]]]], $rpc->calls);
    }

    public function testContextBecomesTextFieldsAndFillsTheMessage(): void
    {
        $rpc = new RecordingRpc();
        (new Logger($rpc))->info('order {id} of {user}, {other}', [
            'id' => 42,
            'user' => 'ann',
            'paid' => true,
            'lines' => ['a' => [1.5, null]],
            'at' => new \DateTimeImmutable('2024-05-06T07:08:09Z'),
            'what' => new \stdClass(),
            'bytes' => "a\xff",
            7 => 'seven',
        ]);
        [[$method, $argument]] = $rpc->calls;

        self::assertSame('app.InfoWithContext', $method);
        self::assertIsArray($argument);
        self::assertSame('order 42 of ann, {other}', $argument['message']);
        self::assertIsArray($argument['log_attrs']);
        self::assertSame([
            'id' => '42',
            'user' => 'ann',
            'paid' => 'true',
            'lines' => '{"a":[1.5,null]}',
            'at' => '2024-05-06T07:08:09.000+00:00',
            'what' => 'stdClass',
            'bytes' => "a\u{fffd}",
            '7' => 'seven',
        ], \array_column($argument['log_attrs'], 'value', 'key'));
    }

    public function testAnExceptionIsDescribed(): void
    {
        $rpc = new RecordingRpc();
        (new Logger($rpc))->error('failed', ['exception' => new \RuntimeException('no disk', 0, new \LogicException('inner'))]);
        [[, $argument]] = $rpc->calls;

        self::assertIsArray($argument);
        self::assertStringContainsString('RuntimeException: no disk at ' . __FILE__, (string) \json_encode($argument, \JSON_UNESCAPED_SLASHES));
        self::assertStringContainsString('Caused by LogicException: inner', (string) \json_encode($argument));
    }

    public function testAnUnknownLevelIsRefused(): void
    {
        $this->expectException(InvalidArgumentException::class);
        (new Logger(new RecordingRpc()))->log('loud', 'x');
    }

    public function testALostServerIsNoReasonToThrow(): void
    {
        $code = 'require $argv[1]; (new Rrts\Log\Logger(new Rrts\Rpc\SocketRpc("tcp://127.0.0.1:1")))->warning("disk {n}", ["n" => 3]);';
        $process = \proc_open([\PHP_BINARY, '-r', $code, '--', \dirname(__DIR__, 3) . '/vendor/autoload.php'], [2 => ['pipe', 'w']], $pipes);
        self::assertIsResource($process);
        $said = \stream_get_contents($pipes[2]);

        self::assertSame(0, \proc_close($process));
        self::assertSame("disk 3\n", $said);
    }
}
