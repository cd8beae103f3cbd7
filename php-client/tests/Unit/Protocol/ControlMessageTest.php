<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Protocol;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\ProtocolException;
use Rrts\Protocol\ControlMessage;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameDecoder;
use Rrts\Tests\Stub\GoldenFrames;

final class ControlMessageTest extends TestCase
{
    public function testHelloTellsWhatTheWorkerIs(): void
    {
        $hello = ControlMessage::parse(ControlMessage::hello('9.8.7', 1, ['msgpack', 'json'], ['stream'])->toJson());

        self::assertSame(1, $hello->number('hello'));
        self::assertSame(\getmypid(), $hello->number('pid'));
        self::assertSame(\PHP_VERSION, $hello->text('php'));
        self::assertSame('cli', $hello->text('sapi'));
        self::assertSame('9.8.7', $hello->text('client'));
        self::assertSame(['msgpack', 'json'], $hello->texts('codecs'));
        self::assertSame(['stream'], $hello->texts('features'));
    }

    public function testStopAndPidAreTheGoldenFrames(): void
    {
        $golden = GoldenFrames::valid();

        self::assertSame($golden['stop'][0]['hex'], \bin2hex(ControlMessage::stop()->toFrame()));
        self::assertSame($golden['pid request'][0]['hex'], \bin2hex(ControlMessage::pid(4242)->toFrame()));
    }

    public function testWelcome(): void
    {
        $decoder = new FrameDecoder();
        $decoder->push(ControlMessage::welcome('json', true)->toFrame());
        $frame = $decoder->next();
        self::assertNotNull($frame);
        $welcome = ControlMessage::parse($frame->payload);

        self::assertSame(Frame::CONTROL | Frame::JSON, $frame->flags);
        self::assertTrue($welcome->isWelcome());
        self::assertFalse($welcome->isStop());
        self::assertSame('json', $welcome->text('codec'));
        self::assertTrue($welcome->flag('debug'));
    }

    public function testAbsentAndMistypedFieldsHaveEmptyValues(): void
    {
        $message = ControlMessage::parse('{"text":1,"number":"1","texts":"x","flag":1,"stop":1}');

        self::assertSame('', $message->text('text'));
        self::assertSame(0, $message->number('number'));
        self::assertSame([], $message->texts('texts'));
        self::assertFalse($message->flag('flag'));
        self::assertFalse($message->isStop());
        self::assertFalse($message->isWelcome());
    }

    #[TestWith([''])]
    #[TestWith(['nonsense'])]
    #[TestWith(['1'])]
    #[TestWith(["\xff\xfe"])]
    public function testAnythingButAnObjectIsAnError(string $payload): void
    {
        $this->expectException(ProtocolException::class);
        ControlMessage::parse($payload);
    }
}
