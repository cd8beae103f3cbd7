<?php

declare(strict_types=1);

namespace Rrts\Protocol;

use Rrts\Exception\ProtocolException;

/** Heads in MessagePack, through ext-msgpack. */
final class MessagePackHeadCodec implements HeadCodecInterface
{
    private readonly \MessagePack $messagePack;

    public function __construct()
    {
        // Not msgpack_unpack(): it follows the ini setting msgpack.php_only, which would let bytes from a client
        // name a class to instantiate. This object never does, whatever the ini says.
        $this->messagePack = new \MessagePack(false);
    }

    /** Whether this PHP has ext-msgpack. */
    public static function isAvailable(): bool
    {
        return \class_exists(\MessagePack::class, false);
    }

    public function name(): string
    {
        return 'msgpack';
    }

    public function flag(): int
    {
        return Frame::MSGPACK;
    }

    public function encode(array $head): string
    {
        $bytes = $this->messagePack->pack($head);
        \assert(\is_string($bytes));

        return $bytes;
    }

    public function decode(string $bytes): array
    {
        // @phpstan-ignore arguments.count (the extension has the second one optional)
        $head = @$this->messagePack->unpack($bytes);
        if (!\is_array($head)) {
            throw new ProtocolException('The head is not a MessagePack map or array.');
        }

        return $head;
    }
}
