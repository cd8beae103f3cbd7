<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Http;

use PHPUnit\Framework\TestCase;
use Rrts\Exception\StreamStoppedException;
use Rrts\Http\Response;
use Rrts\Http\ResponseWriter;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\HeadCodecs;
use Rrts\Protocol\JsonHeadCodec;
use Rrts\Tests\Stub\MemoryRelay;
use Rrts\Worker;

final class ResponseWriterTest extends TestCase
{
    private MemoryRelay $relay;

    private Worker $worker;

    protected function setUp(): void
    {
        $codec = new JsonHeadCodec();
        $this->relay = MemoryRelay::welcoming($codec);
        $this->worker = new Worker($this->relay, new HeadCodecs($codec));
        $this->relay->queueRequest($codec, []);
        $this->worker->waitPayload();
        $this->relay->takeFrames();
    }

    public function testOddHeadersNeverFail(): void
    {
        $headers = ['a' => 'b', 'list' => ['1', 2, 3.5], 5 => 'number', '' => '', "bad\r\nname" => "bad\0value", 'null' => null, 'array' => [['nested']], 'object' => new \stdClass(), 'text' => new \Exception('x'), 'empty' => []];
        $flat = ResponseWriter::flatten($headers);
        $text = \array_pop($flat);

        self::assertSame(['a', 'b', 'list', '1', 'list', '2', 'list', '3.5', '5', 'number', '', '', "bad\r\nname", "bad\0value", 'text'], $flat);
        self::assertStringStartsWith('Exception: x', (string) $text);
    }

    public function testTheBodyZeroIsSent(): void
    {
        (new ResponseWriter($this->worker))->write(new Response(200, [], '0'));

        self::assertEquals([new Frame(Frame::JSON, '[200,[]]0', [8])], $this->relay->takeFrames());
    }

    public function testAGeneratorThatIgnoresTheStopIsLeftAlone(): void
    {
        $this->relay->queue(FrameCodec::encode(new Frame(0, stream: Frame::STOP)));
        $seen = [];
        $body = (static function () use (&$seen): \Generator {
            try {
                yield 'one';
            } catch (StreamStoppedException) {
                $seen[] = 'told';
            }
            yield 'two';
            $seen[] = 'went on';
        })();
        (new ResponseWriter($this->worker))->write(new Response(200, [], $body));

        self::assertSame(['told'], $seen);
        self::assertFalse($this->worker->isBusy());
    }

    public function testAStopExceptionOfAnotherOriginIsAnError(): void
    {
        $this->expectException(StreamStoppedException::class);
        (new ResponseWriter($this->worker))->write(new Response(200, [], static fn() => throw new StreamStoppedException('by hand')));
    }
}
