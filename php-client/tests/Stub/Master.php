<?php

declare(strict_types=1);

namespace Rrts\Tests\Stub;

use Rrts\Protocol\ControlMessage;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;
use Rrts\Protocol\HeadCodecInterface;
use Rrts\Protocol\HeadCodecs;

/** The master's side of the wire: starts a real worker process with the channel on descriptor 3. */
final class Master
{
    private const DEADLINE_SECONDS = 10.0;

    /** @var resource */
    private $process;

    /** @var resource */
    private $channel;

    /** @var resource */
    private $output;

    private readonly FrameDecoder $decoder;

    private HeadCodecInterface $codec;

    private ControlMessage $hello;

    private string $log = '';

    private ?int $exitCode = null;

    /**
     * @param list<string> $options command line options for php
     * @param array<string, string> $environment
     */
    public function __construct(string $script, bool $debug = false, array $options = [], array $environment = [], bool $handshake = true, string $relay = 'fd://3')
    {
        $server = $relay === 'fd://3' ? null : self::listen($relay);
        $command = [\PHP_BINARY, ...$options, $script];
        $environment += ['RRTS_RELAY' => $relay, 'RR_RELAY' => $relay === 'fd://3' ? 'pipes' : $relay, 'RR_MODE' => 'http', 'RRTS_VERSION' => '0.1.0'] + \getenv();
        // stdout and stderr share one pipe: the log of the worker.
        // @phpstan-ignore argument.type (its signature does not know descriptors above 2)
        $process = \proc_open($command, [0 => ['file', '/dev/null', 'r'], 1 => ['pipe', 'w'], 2 => ['redirect', 1], 3 => ['socket']], $pipes, null, $environment);
        if ($process === false) {
            throw new \RuntimeException("Cannot start {$script}.");
        }
        $this->process = $process;
        $this->output = $pipes[1];
        $this->channel = $server === null ? $pipes[3] : self::accept($server);
        \stream_set_blocking($this->output, false);
        \stream_set_blocking($this->channel, false);
        \stream_set_read_buffer($this->channel, 0);
        $this->decoder = new FrameDecoder();
        if ($server !== null) {
            $this->send(ControlMessage::pid((int) \getmypid())->toFrame());
        }
        if ($handshake) {
            $this->welcome($debug);
        }
    }

    public function __destruct()
    {
        if ($this->exitCode === null) {
            \proc_terminate($this->process, 9);
            \proc_close($this->process);
        }
    }

    public function hello(): ControlMessage
    {
        return $this->hello;
    }

    /** @param int $rpcMax bytes of the largest call; 0 for a master that takes none */
    public function welcome(bool $debug = false, int $rpcMax = 0): void
    {
        $this->hello = ControlMessage::parse($this->receive()->payload);
        $name = $this->hello->texts('codecs')[0];
        $this->codec = HeadCodecs::available()->get($name);
        $this->send(ControlMessage::welcome($name, $debug, $rpcMax)->toFrame());
    }

    /** @param array<string, mixed> $head beside method and URI */
    public function request(string $method, string $uri, array $head = [], string $body = ''): Reply
    {
        $this->begin($method, $uri, $head, $body);

        return $this->reply();
    }

    /** @param array<string, mixed> $head */
    public function begin(string $method, string $uri, array $head = [], string $body = ''): void
    {
        $head += ['method' => $method, 'uri' => 'http://localhost:8080' . $uri, 'protocol' => '1.1', 'remote_addr' => '127.0.0.1', 'headers' => ['host', 'localhost:8080']];
        $bytes = $this->codec->encode($head);
        $this->send(FrameCodec::encode(new Frame($this->codec->flag(), $bytes . $body, [\strlen($bytes)])));
    }

    /**
     * Sends a job and waits for the answer.
     *
     * @param array<string, mixed> $head over one that has everything
     *
     * @return array<array-key, mixed>|string the head of the answer, or the text of an error frame
     */
    public function job(string $name, string $payload = '', array $head = []): array|string
    {
        $this->beginJob($name, $payload, $head);

        return $this->jobAnswer();
    }

    /** @param array<string, mixed> $head */
    public function beginJob(string $name, string $payload = '', array $head = []): void
    {
        $head += [
            'id' => 'id-1', 'job' => $name, 'pipeline' => 'emails', 'driver' => 'memory', 'queue' => 'emails-queue', 'headers' => ['x-a' => ['1', '2']],
            'attempt' => 2, 'max_attempts' => 3, 'timeout' => 1500, 'pushed_at' => 1_700_000_000_250,
        ];
        $bytes = $this->codec->encode($head);
        $this->send(FrameCodec::encode(new Frame($this->codec->flag(), $bytes . $payload, [\strlen($bytes)])));
    }

    /** @return array<array-key, mixed>|string */
    public function jobAnswer(): array|string
    {
        $frame = $this->receive();
        if (($frame->flags & Frame::ERROR) !== 0) {
            return $frame->payload;
        }
        if (\strlen($frame->payload) !== $frame->options[0]) {
            throw new \RuntimeException('The answer to a job has a body.');
        }

        return $this->codec->decode($frame->payload);
    }

    /** Takes a call; its sequence number, method, argument and deadline. */
    public function call(): RpcCall
    {
        return RpcCall::of($this->receive());
    }

    /** Collects frames until the request is answered. */
    public function reply(): Reply
    {
        $informational = [];
        $chunks = [];
        $head = null;
        $isStreamed = false;
        while (true) {
            $frame = $this->receive();
            if (($frame->flags & Frame::ERROR) !== 0) {
                return new Reply(0, [], $chunks, $informational, $frame->payload, isStreamed: $isStreamed);
            }
            $isLast = ($frame->stream & Frame::STREAM) === 0;
            $length = $frame->options[0];
            $body = \substr($frame->payload, $length);
            if ($frame->flags === 0 && $length > 0) {
                return new Reply(0, [], [], $informational, isStopWish: \substr($frame->payload, 0, $length) === '{"stop":true}' && $body === '');
            }
            if ($length > 0 && $head === null) {
                $decoded = $this->head(\substr($frame->payload, 0, $length));
                if (!$isLast && $decoded[0] < 200) {
                    $informational[] = $decoded;

                    continue;
                }
                $head = $decoded;
            }
            $isStreamed = $isStreamed || !$isLast;
            if ($body !== '') {
                $chunks[] = $body;
            }
            if ($isLast) {
                return new Reply($head[0] ?? 0, $head[1] ?? [], $chunks, $informational, isStreamed: $isStreamed);
            }
        }
    }

    /** The next frame, whatever it is. */
    public function receive(): Frame
    {
        return $this->tryReceive() ?? throw new \RuntimeException("The worker closed the channel. Its log:\n" . $this->log());
    }

    /** The next frame; null when the worker closed the channel. */
    public function tryReceive(): ?Frame
    {
        $deadline = \microtime(true) + self::DEADLINE_SECONDS;
        while (true) {
            $frame = $this->decoder->next();
            if ($frame !== null) {
                return $frame;
            }
            $read = [$this->channel, $this->output];
            $none = null;
            $left = $deadline - \microtime(true);
            if ($left <= 0) {
                throw new \RuntimeException("The worker sent no frame in time. Its log:\n" . $this->log());
            }
            \stream_select($read, $none, $none, (int) $left, (int) (\fmod($left, 1) * 1e6));
            if (\in_array($this->output, $read, true)) {
                $this->log .= \stream_get_contents($this->output);
                if (\feof($this->output) && !\in_array($this->channel, $read, true)) {
                    \usleep(1000);
                }
            }
            if (\in_array($this->channel, $read, true)) {
                $bytes = (string) @\fread($this->channel, 65536);
                if ($bytes === '' && \feof($this->channel)) {
                    return null;
                }
                $this->decoder->push($bytes);
            }
        }
    }

    public function send(string $bytes): void
    {
        $deadline = \microtime(true) + self::DEADLINE_SECONDS;
        while ($bytes !== '') {
            $write = [$this->channel];
            $none = null;
            \stream_select($none, $write, $none, 1);
            $bytes = \substr($bytes, (int) @\fwrite($this->channel, $bytes));
            if (\microtime(true) > $deadline) {
                throw new \RuntimeException('The worker takes no bytes.');
            }
        }
    }

    public function sendStreamStop(): void
    {
        $this->send(FrameCodec::encode(new Frame(0, stream: Frame::STOP)));
    }

    /** Asks the worker to end; its exit code. */
    public function stop(): int
    {
        $this->send(ControlMessage::stop()->toFrame());

        return $this->waitForExit();
    }

    /** Closes the channel as a master does that dies; the worker's exit code. */
    public function hangUp(): int
    {
        \fclose($this->channel);

        return $this->waitForExit();
    }

    public function waitForExit(): int
    {
        // The pipe ends with the process: waiting for that needs no polling.
        \stream_set_blocking($this->output, true);
        \stream_set_timeout($this->output, (int) self::DEADLINE_SECONDS);
        $this->log .= \stream_get_contents($this->output);
        if (!\feof($this->output)) {
            throw new \RuntimeException("The worker did not end. Its log:\n" . $this->log);
        }

        return $this->exitCode = \proc_close($this->process);
    }

    /** What the worker has printed so far, on stdout and stderr. */
    public function log(): string
    {
        return $this->log .= \is_resource($this->output) ? \stream_get_contents($this->output) : '';
    }

    /** Waits until the worker has printed something. */
    public function waitForLog(string $expected): string
    {
        $deadline = \microtime(true) + self::DEADLINE_SECONDS;
        while (!\str_contains($this->log(), $expected)) {
            if (\microtime(true) > $deadline) {
                throw new \RuntimeException("\"{$expected}\" was not logged, only:\n" . $this->log);
            }
            $read = [$this->output];
            $none = null;
            \stream_select($read, $none, $none, 1);
        }

        return $this->log;
    }

    /**
     * @param string $relay completed with the port when it is tcp://127.0.0.1:0
     *
     * @return resource
     */
    private static function listen(string &$relay)
    {
        $server = \stream_socket_server($relay);
        if ($server === false) {
            throw new \RuntimeException("Cannot listen on {$relay}.");
        }
        $relay = \str_starts_with($relay, 'tcp://') ? 'tcp://' . \stream_socket_get_name($server, false) : $relay;

        return $server;
    }

    /**
     * @param resource $server
     *
     * @return resource
     */
    private static function accept($server)
    {
        $channel = \stream_socket_accept($server, self::DEADLINE_SECONDS);

        return $channel === false ? throw new \RuntimeException('The worker does not connect.') : $channel;
    }

    /** @return array{int, list<string>} */
    private function head(string $bytes): array
    {
        [$status, $headers] = \array_values($this->codec->decode($bytes)) + [0, []];
        if (!\is_int($status) || !\is_array($headers)) {
            throw new \RuntimeException('Not a reply head.');
        }

        return [$status, \array_values(\array_filter($headers, \is_string(...)))];
    }
}
