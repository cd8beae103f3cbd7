<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Node;

use Rrts\Exception\NodeException;
use Rrts\Exception\RpcArgumentException;
use Rrts\Exception\RpcMethodException;
use Rrts\Node;
use Rrts\Node\NodeObject;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;

/** What the Node classes send, and what they make of replies. */
final class NodeTest extends NodeTestCase
{
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

    public function testNamedArgumentsAreRefused(): void
    {
        $this->expectException(RpcArgumentException::class);
        $this->expectExceptionMessage('bridge.Call sharp.resize: JavaScript has no named arguments');
        $this->module->resize(width: 1);
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
}
