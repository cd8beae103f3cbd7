<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Node;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\NodeException;
use Rrts\Exception\RpcArgumentException;
use Rrts\Exception\RpcException;
use Rrts\Exception\RpcMethodException;
use Rrts\Node;
use Rrts\Node\BigInteger;
use Rrts\Node\Bytes;
use Rrts\Node\Module;
use Rrts\Node\NodeObject;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\HeadCodecs;
use Rrts\Protocol\JsonHeadCodec;
use Rrts\Rpc\MessagePack;
use Rrts\Tests\Stub\MemoryRelay;
use Rrts\Tests\Stub\RpcCall;
use Rrts\Tests\Stub\Suit;
use Rrts\Worker;

/** What the Node classes send, and what they make of replies; the server's half is tested in TypeScript. */
final class NodeTest extends TestCase
{
    private MemoryRelay $relay;

    private Worker $worker;

    private Module $module;

    private int $sequence = 0;

    protected function setUp(): void
    {
        $codec = new JsonHeadCodec();
        $this->relay = MemoryRelay::welcoming($codec, rpcMax: 100000);
        $this->worker = new Worker($this->relay, new HeadCodecs($codec));
        $this->relay->takeFrames();
        $this->module = Node::module('sharp', connection: $this->worker->rpc());
    }

    public function testTheWaysToCallAModule(): void
    {
        $this->answer(null, null, null, null);
        $this->module->version();
        ($this->module)('in.png', 5);
        $this->module->new('Workbook', ['a' => 1]);
        Node::call($this->module, 'promises.readFile', '/x');

        self::assertSame([
            ['bridge.Call', ['module' => 'sharp', 'name' => 'version', 'arguments' => []]],
            ['bridge.Call', ['module' => 'sharp', 'name' => '', 'arguments' => ['in.png', 5]]],
            ['bridge.Call', ['module' => 'sharp', 'name' => 'new Workbook', 'arguments' => [['a' => 1]]]],
            ['bridge.Call', ['module' => 'sharp', 'name' => 'promises.readFile', 'arguments' => ['/x']]],
        ], $this->sent());
    }

    public function testObjectsAreCalledReadAndChained(): void
    {
        $this->answer(self::handle(7), self::handle(7), 'png', true, self::handle(8, 'Metadata'), null);
        $image = $this->object();
        self::assertSame($image, $image->resize(200, null));
        self::assertSame('png', $image->format);
        self::assertTrue(isset($image->width));
        $metadata = $image->metadata();
        self::assertInstanceOf(NodeObject::class, $metadata);
        self::assertSame(['Sharp', 'Metadata'], [Node::className($image), Node::className($metadata)]);
        Node::call($image, 'getIterator', $metadata);

        self::assertSame([
            ['bridge.CallObject', ['id' => 7, 'name' => 'resize', 'arguments' => [200, null]]],
            ['bridge.Get', ['id' => 7, 'name' => 'format']],
            ['bridge.Get', ['id' => 7, 'name' => 'width']],
            ['bridge.CallObject', ['id' => 7, 'name' => 'metadata', 'arguments' => []]],
            ['bridge.CallObject', ['id' => 7, 'name' => 'getIterator', 'arguments' => [['$rrts' => 'object', 'id' => 8]]]],
        ], \array_slice($this->sent(), 1));
    }

    public function testSeveralCallsAtOnce(): void
    {
        $this->answer(self::handle(7), self::handle(8), 'x');
        $calls = [Node::start($this->module, 'a'), Node::start($this->module, 'b')];
        $objects = \array_map(static fn($call): mixed => $call->wait(), $calls);

        self::assertInstanceOf(NodeObject::class, $objects[0]);
        self::assertSame($objects[0], $calls[0]->wait());
        self::assertNotSame($objects[0], $objects[1]);
    }

    public function testAnObjectThatIsDroppedIsReleasedWithTheNextCall(): void
    {
        $this->answer(self::handle(7), 1, 2);
        $this->object();
        self::assertSame(['bridge.Call'], \array_column($this->sent(), 0), 'nothing is sent by a destructor');
        $writes = $this->relay->writes;
        $this->module->next();
        self::assertSame($writes + 1, $this->relay->writes);
        $this->module->next();

        self::assertSame([['bridge.Release', ['ids' => [7]]], ['bridge.Call', 'next'], ['bridge.Call', 'next']], $this->sentNames());
    }

    public function testItIsReleasedBeforeTheWorkerWaits(): void
    {
        $this->answer(self::handle(7));
        $this->object();
        $this->sent();
        $this->relay->queue(FrameCodec::encode(new Frame(Frame::JSON, '[]', [2])));
        $this->worker->waitPayload();

        self::assertSame([['bridge.Release', ['ids' => [7]]]], $this->sent());
    }

    public function testItIsReleasedAsOftenAsItWasHandedOut(): void
    {
        $this->answer(self::handle(7), self::handle(7), [self::handle(7), 'x' => self::handle(7)], null);
        $image = $this->object();
        $image->resize();
        $several = $image->clones();
        self::assertSame([$image, 'x' => $image], $several);
        unset($image, $several);
        $this->module->next();

        self::assertContains(['bridge.Release', ['ids' => [7, 7, 7, 7]]], $this->sentNames());
    }

    public function testOneThatComesAgainWhileItIsGivenBackStaysGood(): void
    {
        $this->answer(self::handle(7), self::handle(7), 'still there', null, null);
        $first = $this->object();
        $again = Node::start($this->module, 'again');
        unset($first);
        $second = $again->wait();
        self::assertInstanceOf(NodeObject::class, $second);
        self::assertSame('still there', $second->format);
        self::assertSame([['bridge.Call', 'create'], ['bridge.Call', 'again'], ['bridge.Release', ['ids' => [7]]], ['bridge.Get', 'format']], $this->sentNames(), 'once of twice');
        unset($second, $again);
        $this->module->next();
        self::assertSame(['bridge.Release', ['ids' => [7]]], $this->sentNames()[0]);
    }

    public function testTheResultOfACallThatWasDroppedIsReleasedToo(): void
    {
        Node::start($this->module, 'dropped');
        $held = Node::start($this->module, 'held');
        $this->answer([self::handle(7), self::handle(8)], 1, 2);
        self::assertSame(1, $held->wait());
        $this->module->next();

        self::assertContains(['bridge.Release', ['ids' => [7, 8]]], $this->sentNames());
    }

    public function testOneThatWasReleasedCannotBeUsed(): void
    {
        $this->answer(self::handle(7), self::handle(8), null);
        $image = $this->object();
        Node::release($image);
        Node::release($image);
        $this->sent();
        $uses = [
            static fn(): mixed => $image->resize(),
            static fn(): mixed => $image->width,
            static fn(): mixed => \iterator_to_array($image),
            fn(): mixed => $this->module->combine($image),
        ];
        foreach ($uses as $use) {
            try {
                $use();
                self::fail('Used.');
            } catch (NodeException $exception) {
                self::assertSame('ERR_BRIDGE_RELEASED', $exception->errorCode);
                self::assertStringEndsWith('the Sharp was released', $exception->getMessage());
            }
        }
        self::assertSame([], $this->sent());
    }

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

    public function testNamedArgumentsAreRefused(): void
    {
        $this->expectException(RpcArgumentException::class);
        $this->expectExceptionMessage('bridge.Call sharp.resize: JavaScript has no named arguments');
        $this->module->resize(width: 1);
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

    public function testIterationFetchesInBatches(): void
    {
        $this->answer(self::handle(7), ['values' => [1, 2], 'done' => false], ['values' => [self::handle(8)], 'done' => true], null);
        $values = [];
        foreach ($this->object() as $key => $value) {
            $values[$key] = $value instanceof NodeObject ? Node::className($value) : $value;
        }
        unset($value);
        self::assertSame([1, 2, 'Sharp'], $values);
        $this->module->next();

        self::assertSame([['bridge.Next', ['id' => 7, 'count' => 64]], ['bridge.Next', ['id' => 7, 'count' => 64]], ['bridge.Release', ['ids' => [7, 8]]]], \array_slice(\array_map(static fn(array $call): array => $call[0] === 'bridge.Release' && \is_array($call[1]) && \is_array($call[1]['ids']) ? ['bridge.Release', ['ids' => self::sorted($call[1]['ids'])]] : $call, $this->sent()), 1, 3));
    }

    public function testAnIterationThatIsLeftEarlyIsEnded(): void
    {
        $this->answer(self::handle(7), ['values' => [1, 2], 'done' => false], null);
        foreach ($this->object() as $value) {
            self::assertSame(1, $value);
            break;
        }
        self::assertSame(['bridge.Call', 'bridge.Next'], \array_column($this->sent(), 0));
        $this->module->next();

        self::assertSame([['bridge.Return', ['id' => 7]], ['bridge.Release', ['ids' => [7]]], ['bridge.Call', 'next']], $this->sentNames());
    }

    public function testAnIterationThatFailsIsOver(): void
    {
        $this->answer(self::handle(7));
        $object = $this->object();
        $this->answerError('ERR_BRIDGE_THREW', 'Sharp.next: broken');
        try {
            \iterator_to_array($object);
            self::fail('No exception.');
        } catch (NodeException $exception) {
            self::assertSame('bridge.Next Sharp.next: broken', $exception->getMessage());
        }
        $this->answer(null);
        $this->module->next();
        self::assertNotContains('bridge.Return', \array_column($this->sent(), 0));
    }

    public function testFailuresNameTheFunctionOnce(): void
    {
        $this->answerError('ERR_BRIDGE_THREW', 'sharp.resize: Input file is missing');
        $this->answerError('ERR_BRIDGE_MODULE', 'bridge.modules has no module sharp');
        $this->answerError('ERR_RPC_METHOD', 'sharp.resize does not exist');
        $messages = [];
        for ($i = 0; $i < 3; $i++) {
            try {
                $this->module->resize();
                self::fail('No exception.');
            } catch (NodeException|RpcMethodException $exception) {
                $messages[] = $exception->getMessage();
            }
        }

        self::assertSame([
            'bridge.Call sharp.resize: Input file is missing',
            'bridge.Call sharp.resize: bridge.modules has no module sharp',
            'bridge.Call sharp.resize does not exist',
        ], $messages);
    }

    public function testWhatAnObjectCannotDo(): void
    {
        $this->answer(self::handle(7));
        $object = $this->object();
        foreach ([static fn(): string => \serialize($object), static fn(): mixed => $object->width = 5, static fn(): mixed => (new NodeObject())->width] as $wish) {
            try {
                $wish();
                self::fail('Done.');
            } catch (\LogicException $exception) {
                self::assertStringContainsString('Node', $exception->getMessage());
            }
        }
        self::assertStringContainsString('Sharp', \print_r($object, true));
    }

    public function testABigIntegerHasDigitsOnly(): void
    {
        self::assertSame('["-5"]', \json_encode([new BigInteger(-5)]));
        $this->expectException(\InvalidArgumentException::class);
        new BigInteger('1e9');
    }

    /** The object that the first queued reply stands for. */
    private function object(): NodeObject
    {
        $object = $this->module->create();
        self::assertInstanceOf(NodeObject::class, $object);

        return $object;
    }

    private function answer(mixed ...$results): void
    {
        foreach ($results as $result) {
            $this->queue(Frame::MSGPACK, $result);
        }
    }

    private function answerError(string $code, string $message): void
    {
        $this->queue(Frame::MSGPACK | Frame::ERROR, ['message' => $message, 'code' => $code, 'class' => 'Error']);
    }

    private function queue(int $flags, mixed $value): void
    {
        $this->relay->queue(FrameCodec::encode(new Frame($flags, 'm' . (new MessagePack())->encode($value), [++$this->sequence, 1])));
    }

    /** @return list<array{string, mixed}> */
    private function sent(): array
    {
        return \array_map(static function (Frame $frame): array {
            $call = RpcCall::of($frame);

            return [$call->method, $call->argument];
        }, $this->relay->takeFrames());
    }

    /** @return list<array{string, mixed}> calls by name alone */
    private function sentNames(): array
    {
        return \array_map(static fn(array $call): array => \is_array($call[1]) && isset($call[1]['name']) ? [$call[0], $call[1]['name']] : $call, $this->sent());
    }

    /** @return array<string, mixed> */
    private static function handle(int $id, string $class = 'Sharp'): array
    {
        return ['$rrts' => 'object', 'id' => $id, 'class' => $class, 'iterable' => true];
    }

    /**
     * @param array<array-key, mixed> $list
     *
     * @return array<array-key, mixed>
     */
    private static function sorted(array $list): array
    {
        \sort($list);

        return $list;
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
