<?php

declare(strict_types=1);

namespace Rrts\Protocol;

use Rrts\Exception\ProtocolException;

/** The head codecs of this PHP, best first. */
final class HeadCodecs
{
    /** @var non-empty-array<string, HeadCodecInterface> */
    private readonly array $codecs;

    public function __construct(HeadCodecInterface $first, HeadCodecInterface ...$others)
    {
        $codecs = [$first->name() => $first];
        foreach ($others as $codec) {
            $codecs[$codec->name()] = $codec;
        }
        $this->codecs = $codecs;
    }

    /** MessagePack where ext-msgpack is loaded, and JSON. */
    public static function available(): self
    {
        return MessagePackHeadCodec::isAvailable() ? new self(new MessagePackHeadCodec(), new JsonHeadCodec()) : new self(new JsonHeadCodec());
    }

    /** @return non-empty-list<string> */
    public function names(): array
    {
        return \array_keys($this->codecs);
    }

    /** @throws ProtocolException when the master chose a codec that was not offered */
    public function get(string $name): HeadCodecInterface
    {
        return $this->codecs[$name] ?? throw new ProtocolException("The master chose the head codec \"{$name}\", offered: " . \implode(', ', $this->names()) . '.');
    }
}
