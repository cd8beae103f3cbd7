<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Protocol;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\ProtocolException;
use Rrts\Protocol\Frame;
use Rrts\Protocol\HeadCodecInterface;
use Rrts\Protocol\HeadCodecs;
use Rrts\Protocol\JsonHeadCodec;
use Rrts\Protocol\MessagePackHeadCodec;
use Rrts\Tests\Stub\Wakeful;

final class HeadCodecTest extends TestCase
{
    /** @return iterable<string, array{HeadCodecInterface}> */
    public static function codecs(): iterable
    {
        yield 'msgpack' => [new MessagePackHeadCodec()];
        yield 'json' => [new JsonHeadCodec()];
    }

    #[DataProvider('codecs')]
    public function testEveryByteArrivesUnchanged(HeadCodecInterface $codec): void
    {
        $bytes = \implode('', \array_map(\chr(...), \range(0, 255)));
        $head = ['headers' => ['x-all', $bytes, 'x-utf-8', "caf\u{e9} \u{20ac}", 'x-zero', '0'], "key\xff" => "\xff", 'number' => 5, 'flag' => true, 'none' => null, 'empty' => []];

        self::assertSame($head, $codec->decode($codec->encode($head)));
    }

    #[DataProvider('codecs')]
    public function testAsciiIsNotTouched(HeadCodecInterface $codec): void
    {
        $head = [200, ['content-type', 'text/html; charset=UTF-8', 'link', '</a>; rel="preload"']];

        self::assertSame($head, $codec->decode($codec->encode($head)));
    }

    #[DataProvider('codecs')]
    public function testGarbageIsATypedError(HeadCodecInterface $codec): void
    {
        foreach (['', 'zz', "\x93\x01", '"text"', "\xc1", \str_repeat("\x91", 5000), \str_repeat('[', 5000)] as $bytes) {
            try {
                $codec->decode($bytes);
                self::fail('Decoded ' . \bin2hex(\substr($bytes, 0, 8)));
            } catch (ProtocolException $exception) {
                self::assertStringStartsWith('The head is not', $exception->getMessage());
            }
        }
    }

    public function testJsonReadsEscapedBytes(): void
    {
        self::assertSame(["caf\xe9"], (new JsonHeadCodec())->decode('["caf\u00e9"]'));
        self::assertSame(["caf\xe9"], (new JsonHeadCodec())->decode("[\"caf\xc3\xa9\"]"));
    }

    public function testJsonWritesOneCodePointPerByte(): void
    {
        self::assertSame("[\"caf\xc3\xa9\"]", (new JsonHeadCodec())->encode(["caf\xe9"]));
    }

    public function testJsonRefusesACodePointThatIsNoByte(): void
    {
        $this->expectException(ProtocolException::class);
        (new JsonHeadCodec())->decode('["\u20ac"]');
    }

    public function testMessagePackReadsStrAndBinAlike(): void
    {
        self::assertSame(['abc', 'abc'], (new MessagePackHeadCodec())->decode("\x92\xa3abc\xc4\x03abc"));
    }

    public function testMessagePackNeverMakesAnObject(): void
    {
        $previous = \ini_set('msgpack.php_only', '1');
        try {
            $head = (new MessagePackHeadCodec())->decode("\x81\xa7headers\x82\xc0" . self::text(Wakeful::class) . "\xa1x\xa1y");
        } finally {
            \ini_set('msgpack.php_only', (string) $previous);
        }

        self::assertSame(0, Wakeful::$wakeups);
        self::assertIsArray($head['headers']);
        self::assertSame('y', $head['headers']['x']);
    }

    public function testOffersTheBestFirst(): void
    {
        self::assertSame(['msgpack', 'json'], HeadCodecs::available()->names());
        self::assertSame(Frame::JSON, HeadCodecs::available()->get('json')->flag());
        self::assertSame(Frame::MSGPACK, HeadCodecs::available()->get('msgpack')->flag());
    }

    public function testACodecThatWasNotOfferedIsAnError(): void
    {
        $this->expectException(ProtocolException::class);
        $this->expectExceptionMessage('"proto", offered: json');
        (new HeadCodecs(new JsonHeadCodec()))->get('proto');
    }

    private static function text(string $text): string
    {
        return "\xd9" . \chr(\strlen($text)) . $text;
    }
}
