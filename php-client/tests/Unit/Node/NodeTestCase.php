<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Node;

use PHPUnit\Framework\TestCase;
use Rrts\Node;
use Rrts\Node\Module;
use Rrts\Node\NodeObject;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\HeadCodecs;
use Rrts\Protocol\JsonHeadCodec;
use Rrts\Rpc\MessagePack;
use Rrts\Tests\Stub\MemoryRelay;
use Rrts\Tests\Stub\RpcCall;
use Rrts\Worker;

/** A module over a relay without a peer; the server's half is tested in TypeScript. */
abstract class NodeTestCase extends TestCase
{
    protected MemoryRelay $relay;

    protected Worker $worker;

    protected Module $module;

    private int $sequence = 0;

    protected function setUp(): void
    {
        $codec = new JsonHeadCodec();
        $this->relay = MemoryRelay::welcoming($codec, rpcMax: 100000);
        $this->worker = new Worker($this->relay, new HeadCodecs($codec));
        $this->relay->takeFrames();
        $this->module = Node::module('sharp', connection: $this->worker->rpc());
    }

    /** The object that the first queued reply stands for. */
    protected function object(): NodeObject
    {
        $object = $this->module->create();
        self::assertInstanceOf(NodeObject::class, $object);

        return $object;
    }

    protected function answer(mixed ...$results): void
    {
        foreach ($results as $result) {
            $this->queue(Frame::MSGPACK, $result);
        }
    }

    protected function answerError(string $code, string $message): void
    {
        $this->queue(Frame::MSGPACK | Frame::ERROR, ['message' => $message, 'code' => $code, 'class' => 'Error']);
    }

    private function queue(int $flags, mixed $value): void
    {
        $this->relay->queue(FrameCodec::encode(new Frame($flags, 'm' . (new MessagePack())->encode($value), [++$this->sequence, 1])));
    }

    /** @return list<array{string, mixed}> */
    protected function sent(): array
    {
        return \array_map(static function (Frame $frame): array {
            $call = RpcCall::of($frame);

            return [$call->method, $call->argument];
        }, $this->relay->takeFrames());
    }

    /** @return list<array{string, mixed}> calls by name alone */
    protected function sentNames(): array
    {
        return \array_map(static fn(array $call): array => \is_array($call[1]) && isset($call[1]['name']) ? [$call[0], $call[1]['name']] : $call, $this->sent());
    }

    /** @return array<string, mixed> */
    protected static function handle(int $id, string $class = 'Sharp'): array
    {
        return ['$rrts' => 'object', 'id' => $id, 'class' => $class, 'iterable' => true];
    }
}
