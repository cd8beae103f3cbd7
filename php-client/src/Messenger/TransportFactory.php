<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Rrts\Rpc\RpcInterface;
use Symfony\Component\Messenger\Exception\InvalidArgumentException;
use Symfony\Component\Messenger\Transport\Serialization\SerializerInterface;
use Symfony\Component\Messenger\Transport\TransportFactoryInterface;
use Symfony\Component\Messenger\Transport\TransportInterface;

/** Makes the transport of a DSN such as `rrts://emails?priority=5&timeout=30&max_attempts=5`. Options may also stand under `options` of the transport. */
final class TransportFactory implements TransportFactoryInterface
{
    /** @param RpcInterface|null $rpc the way to the server; null for that of this process */
    public function __construct(private readonly ?RpcInterface $rpc = null) {}

    /**
     * @param array<array-key, mixed> $options `priority`, `timeout` in seconds, `max_attempts`, and `retries`: `server`, or `symfony` for the retry strategy
     *                                         and the failure transport of Messenger
     *
     * @throws InvalidArgumentException for a DSN or options that make no sense
     */
    public function createTransport(string $dsn, array $options, SerializerInterface $serializer): TransportInterface
    {
        $name = $options['transport_name'] ?? null;
        $parsed = Options::of($dsn, $options);

        return new Transport(\is_string($name) ? $name : $parsed->pipeline, $parsed, $serializer, $this->rpc);
    }

    /** @param array<array-key, mixed> $options not looked at */
    public function supports(string $dsn, array $options): bool
    {
        return \str_starts_with($dsn, Options::SCHEME);
    }
}
