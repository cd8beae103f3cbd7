<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Node;

use PHPUnit\Framework\Attributes\DataProvider;
use Rrts\Exception\RpcArgumentException;
use Rrts\Exception\RpcException;
use Rrts\Node\BigInteger;
use Rrts\Node\Bytes;
use Rrts\Tests\Stub\Suit;

/** What arguments become on the wire, and results in PHP. */
final class ValuesTest extends NodeTestCase
{
    /** @return iterable<string, array{mixed, mixed}> */
    public static function arguments(): iterable
    {
        yield 'scalars' => [[null, true, 1, 1.5, 'x', "\xFF"], [null, true, 1, 1.5, 'x', "\xFF"]];
        yield 'bytes' => [new Bytes('text'), ['$rrts' => 'bytes', 'value' => 'text']];
        yield 'big integer' => [new BigInteger('-123456789012345678901'), ['$rrts' => 'int', 'value' => '-123456789012345678901']];
        yield 'date' => [new \DateTimeImmutable('2026-11-21 20:30:00.123999 +02:00'), ['$rrts' => 'date', 'value' => '2026-11-21T18:30:00.123Z']];
        yield 'mutable date in a list' => [[new \DateTime('2026-01-01 UTC')], [['$rrts' => 'date', 'value' => '2026-01-01T00:00:00.000Z']]];
        yield 'date of a later age' => [(new \DateTimeImmutable('2026-01-02T03:04:05Z'))->setDate(12345, 1, 2), ['$rrts' => 'date', 'value' => '+012345-01-02T03:04:05.000Z']];
        yield 'date before our time' => [(new \DateTimeImmutable('2026-01-02T03:04:05Z'))->setDate(-43, 3, 15), ['$rrts' => 'date', 'value' => '-000043-03-15T03:04:05.000Z']];
        yield 'enum' => [['suit' => Suit::Hearts], ['suit' => 'H']];
        yield 'JSON' => [self::serializable(['a' => [new Bytes('b')]]), ['a' => [['$rrts' => 'bytes', 'value' => 'b']]]];
        yield 'empty object' => [[(object) []], [[]]];
        yield 'object' => [(object) ['a' => (object) [1 => 2]], ['a' => [1 => 2]]];
        yield 'an array like ours' => [['$rrts' => 'object', 'id' => 7], ['$rrts' => 'map', 'value' => [['$rrts', 'object'], ['id', 7]]]];
        yield 'an object like ours' => [[(object) ['$rrts' => 1]], [['$rrts' => 'map', 'value' => [['$rrts', 1]]]]];
        yield 'a key that comes later' => [['a' => 1, '$rrts' => 2], ['a' => 1, '$rrts' => 2]];
    }

    #[DataProvider('arguments')]
    public function testArgumentsHaveAFormInNode(mixed $value, mixed $expected): void
    {
        $this->answer(null);
        $this->module->take(1, $value);
        $argument = $this->sent()[0][1];
        self::assertIsArray($argument);

        self::assertSame([1, $expected], $argument['arguments']);
    }

    public function testAnObjectWithoutPropertiesStaysOne(): void
    {
        $this->answer(null);
        $this->module->take(new \stdClass(), (object) ['a', 'b']);

        self::assertStringEndsWith("\x92\x80\x82\x00\xA1a\x01\xA1b", $this->relay->takeFrames()[0]->payload);
    }

    /** @return iterable<string, array{mixed, string}> */
    public static function unsendable(): iterable
    {
        yield 'closure' => [static fn(): int => 1, 'argument 2: an object of class Closure cannot be sent'];
        yield 'deep inside' => [['options' => [1, \STDERR]], 'argument 2 at ["options"][1]: a resource (stream) cannot be sent'];
        yield 'object' => [new \ArrayObject(), 'argument 2: an object of class ArrayObject cannot be sent'];
        $cycle = [];
        $cycle[] = &$cycle;
        yield 'cycle' => [$cycle, 'nested deeper than 128 arrays'];
    }

    #[DataProvider('unsendable')]
    public function testWhatHasNoneIsNamedByItsPosition(mixed $value, string $message): void
    {
        try {
            $this->module->resize(1, $value);
            self::fail('Sent.');
        } catch (RpcArgumentException $exception) {
            self::assertStringStartsWith('bridge.Call sharp.resize: argument 2', $exception->getMessage());
            self::assertStringContainsString($message, $exception->getMessage());
        }
        self::assertSame('', $this->relay->written);
    }

    /** @return iterable<string, array{mixed, mixed}> */
    public static function results(): iterable
    {
        yield 'plain' => [['a' => [1, null, "\xFF"]], ['a' => [1, null, "\xFF"]]];
        yield 'bytes' => [['$rrts' => 'bytes', 'value' => "\xFFa"], "\xFFa"];
        yield 'big integer' => [['x' => ['$rrts' => 'int', 'value' => '18446744073709551615']], ['x' => new BigInteger('18446744073709551615')]];
        yield 'integer that PHP has' => [['$rrts' => 'int', 'value' => '9007199254740993'], 9007199254740993];
        yield 'date' => [[['$rrts' => 'date', 'value' => '2026-11-21T18:30:00.123Z']], [new \DateTimeImmutable('2026-11-21 18:30:00.123 UTC')]];
        yield 'date of a later age' => [['$rrts' => 'date', 'value' => '+012345-01-02T03:04:05.000Z'], (new \DateTimeImmutable('2026-01-02 03:04:05 UTC'))->setDate(12345, 1, 2)];
        yield 'a map like ours' => [['$rrts' => 'map', 'value' => [['$rrts', 'x'], [5, ['$rrts' => 'bytes', 'value' => 'b']]]], ['$rrts' => 'x', 5 => 'b']];
        yield 'a key that comes later' => [['a' => 1, '$rrts' => 'bytes'], ['a' => 1, '$rrts' => 'bytes']];
    }

    #[DataProvider('results')]
    public function testResultsAreValuesOfPhp(mixed $sent, mixed $expected): void
    {
        $this->answer($sent);
        $result = $this->module->give();

        self::assertEquals($expected, $result);
        self::assertSame(\get_debug_type($expected), \get_debug_type($result));
    }

    public function testAFormThatIsNotKnownIsAnError(): void
    {
        foreach ([['$rrts' => 'symbol', 'value' => 'x'], ['$rrts' => 5], ['$rrts' => 'object', 'id' => 'x'], ['$rrts' => 'date', 'value' => 'yesterday'], ['$rrts' => 'map', 'value' => [1]]] as $result) {
            $this->answer($result);
            try {
                $this->module->give();
                self::fail('Taken.');
            } catch (RpcException $exception) {
                self::assertSame('ERR_RPC_RESULT', $exception->errorCode);
            }
        }
    }

    public function testABigIntegerHasDigitsOnly(): void
    {
        self::assertSame('["-5"]', \json_encode([new BigInteger(-5)]));
        $this->expectException(\InvalidArgumentException::class);
        new BigInteger('1e9');
    }

    private static function serializable(mixed $value): \JsonSerializable
    {
        return new class ($value) implements \JsonSerializable {
            public function __construct(private readonly mixed $value) {}

            public function jsonSerialize(): mixed
            {
                return $this->value;
            }
        };
    }
}
