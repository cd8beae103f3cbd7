<?php

declare(strict_types=1);

namespace Rrts\Protocol;

use Rrts\Exception\ProtocolException;

/** The JSON messages of CONTROL frames: pid, hello, welcome, stop, revoke and dropped. */
final class ControlMessage
{
    /** @param array<array-key, mixed> $fields */
    private function __construct(private readonly array $fields) {}

    /**
     * The first words of a native worker.
     *
     * @param list<string> $codecs head codecs it reads, best first
     * @param list<string> $features what the master may use
     */
    public static function hello(string $client, int $protocol, array $codecs, array $features): self
    {
        return new self([
            'hello' => $protocol,
            'pid' => \getmypid(),
            'php' => \PHP_VERSION,
            'sapi' => \PHP_SAPI,
            'client' => $client,
            'codecs' => $codecs,
            'features' => $features,
        ]);
    }

    /**
     * The master's answer to a hello.
     *
     * @param int $rpcMax bytes of the largest call that it takes; 0 when it takes none
     */
    public static function welcome(string $codec, bool $debug, int $rpcMax = 0): self
    {
        return new self(['welcome' => 1, 'codec' => $codec, 'debug' => $debug] + ($rpcMax > 0 ? ['rpc' => true, 'rpc_max' => $rpcMax] : []));
    }

    /** The master's question for the process number, or the answer to it. */
    public static function pid(int $pid): self
    {
        return new self(['pid' => $pid]);
    }

    /** The order to end the loop, or, as the head of a reply, the wish to be ended. */
    public static function stop(): self
    {
        return new self(['stop' => true]);
    }

    /** The order to throw away the requests that have not begun. */
    public static function revoke(): self
    {
        return new self(['revoke' => true]);
    }

    /** The answer to it: how many those were. */
    public static function dropped(int $count): self
    {
        return new self(['dropped' => $count]);
    }

    /**
     * Reads the payload of a CONTROL frame.
     *
     * @throws ProtocolException when it is not a JSON object
     */
    public static function parse(string $payload): self
    {
        $fields = \json_decode($payload, true, 16);
        if (!\is_array($fields)) {
            throw new ProtocolException('Not a control message: "' . \addcslashes(\substr($payload, 0, 64), "\0..\37\177..\377") . '".');
        }

        return new self($fields);
    }

    /** Whether this is the order to end. */
    public function isStop(): bool
    {
        return ($this->fields['stop'] ?? null) === true;
    }

    /** Whether this is the order to throw away the requests that have not begun. */
    public function isRevoke(): bool
    {
        return ($this->fields['revoke'] ?? null) === true;
    }

    /** Whether this answers a hello. */
    public function isWelcome(): bool
    {
        return isset($this->fields['welcome']);
    }

    /** A field as text; '' when absent or of another type. */
    public function text(string $name): string
    {
        $value = $this->fields[$name] ?? null;

        return \is_string($value) ? $value : '';
    }

    /** A field as a yes or no; false when absent or of another type. */
    public function flag(string $name): bool
    {
        return ($this->fields[$name] ?? null) === true;
    }

    /** A field as a whole number; 0 when absent or of another type. */
    public function number(string $name): int
    {
        $value = $this->fields[$name] ?? null;

        return \is_int($value) ? $value : 0;
    }

    /**
     * A field as a list of texts; empty when absent or of another type.
     *
     * @return list<string>
     */
    public function texts(string $name): array
    {
        $value = $this->fields[$name] ?? null;

        return \is_array($value) ? \array_values(\array_filter($value, \is_string(...))) : [];
    }

    /** The message as JSON. */
    public function toJson(): string
    {
        return \json_encode($this->fields, \JSON_THROW_ON_ERROR | \JSON_UNESCAPED_SLASHES);
    }

    /** The message as the bytes of a CONTROL frame. */
    public function toFrame(): string
    {
        return FrameCodec::encode(new Frame(Frame::CONTROL | Frame::JSON, $this->toJson()));
    }
}
