<?php

declare(strict_types=1);

namespace Rrts\Rpc;

use Rrts\Exception\ConfigurationException;
use Rrts\Exception\ConnectionException;
use Rrts\Exception\ProtocolException;
use Rrts\Exception\RpcException;
use Rrts\Exception\RpcMethodException;
use Rrts\Exception\RpcTimeoutException;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameDecoder;

/**
 * Calls through rpc.listen of the server: for command line scripts and for workers of other packages. Connects at the first call, and
 * again at the first one after the connection broke; what Node kept for the broken one is gone then.
 */
final class SocketRpc extends Connection
{
    /** Seconds for a call without a timeout of its own; the default of the server is 60. */
    public const DEFAULT_TIMEOUT = 64.0;

    /** The server answers at the deadline, and the answer needs its time. */
    private const GRACE = 1.0;

    /** Seconds in which the server may take no byte at all. */
    private const WRITE_TIMEOUT = 30.0;

    private const READ_BYTES = 1 << 17;

    private const WRITE_BYTES = 1 << 20;

    /** @var resource|null */
    private $socket = null;

    private FrameDecoder $decoder;

    private float $readAt = 0.0;

    private readonly string $address;

    /**
     * @param string $address tcp://host:port, host:port or unix://path
     * @param string $token what the server has as rpc.token; '' when it has none
     * @param float $connectTimeout seconds
     *
     * @throws ConfigurationException when it is no such address
     */
    public function __construct(string $address, #[\SensitiveParameter] private readonly string $token = '', private readonly float $connectTimeout = 5.0)
    {
        $this->address = \str_contains($address, '://') ? $address : "tcp://{$address}";
        if (\preg_match('~^(tcp://.+:\d+|unix://.+)$~D', $this->address) !== 1) {
            throw new ConfigurationException("Not an RPC address: \"{$address}\"; tcp://host:port or unix://path expected.");
        }
        // The server has its own limit and says so.
        parent::__construct(FrameDecoder::DEFAULT_MAX_PAYLOAD);
        $this->decoder = new FrameDecoder();
    }

    public function __destruct()
    {
        $this->close();
    }

    /** Ends the connection; the next call makes another one. */
    public function close(): void
    {
        if ($this->socket !== null) {
            \fclose($this->socket);
            $this->socket = null;
            $this->handles->lose();
        }
    }

    protected function open(): void
    {
        if ($this->socket !== null) {
            try {
                // Replies that nobody waited for, and, when the server was started anew in the meantime, the end.
                while ($this->waitFor(false, 0.0)) {
                    $this->read();
                }
            } catch (ConnectionException) {
                // As good as none.
            }
        }
        if ($this->socket === null) {
            $this->connect();
        }
    }

    /** The server answers every call; nobody waits for this answer. */
    protected function silentSequence(): int
    {
        $sequence = $this->replies->expectNext();
        $this->replies->giveUp($sequence);

        return $sequence;
    }

    protected function send(string $start, string $argument): void
    {
        $bytes = $start . $argument;
        for ($offset = 0; $offset < \strlen($bytes); $offset += $written) {
            $written = $this->socket === null ? false : @\fwrite($this->socket, $offset === 0 ? $bytes : \substr($bytes, $offset, self::WRITE_BYTES));
            if ($written === false) {
                $this->break('the server does not take the call');
            }
            // It may take no more before somebody takes its replies.
            if ($written === 0 && $this->waitFor(true, self::WRITE_TIMEOUT)) {
                $this->read();
            }
        }
    }

    protected function receive(Replies $replies, int $sequence, Call $call, float $startedAt): Frame
    {
        $deadline = $startedAt + ($call->timeout ?? self::DEFAULT_TIMEOUT) + self::GRACE;
        while (true) {
            $reply = $replies->take($sequence);
            if ($reply !== null) {
                return $reply;
            }
            if ($this->socket === null || $replies !== $this->replies) {
                throw new ConnectionException('the connection broke before the reply came');
            }
            $left = $deadline - \microtime(true);
            if ($this->waitFor(false, \max(0.0, $left))) {
                $this->read();
            } elseif ($left <= 0) {
                $this->giveUp($call, $startedAt);
            }
        }
    }

    private function giveUp(Call $call, float $startedAt): never
    {
        if ($this->readAt < $startedAt) {
            // Not one byte since: nobody is there any more.
            $this->close();
        }

        throw new RpcTimeoutException(\sprintf('%s: no reply from %s within %.1f s', $call->label, $this->address, \microtime(true) - $startedAt), 'ERR_RPC_TIMEOUT', $call->method);
    }

    /**
     * @throws ConnectionException
     * @throws RpcException when the token is not accepted
     */
    private function connect(): void
    {
        $context = \stream_context_create(['socket' => ['tcp_nodelay' => true]]);
        $socket = @\stream_socket_client($this->address, $code, $message, $this->connectTimeout, \STREAM_CLIENT_CONNECT, $context);
        if ($socket === false) {
            throw new ConnectionException("cannot connect to {$this->address}: {$message} ({$code})");
        }
        \stream_set_blocking($socket, false);
        \stream_set_read_buffer($socket, 0);
        \stream_set_write_buffer($socket, 0);
        $this->renew();
        $this->decoder = new FrameDecoder();
        $this->socket = $socket;
        if ($this->token !== '') {
            $this->authenticate();
        }
    }

    private function authenticate(): void
    {
        $call = new Call('rpc.Authenticate', $this->connectTimeout);
        $argument = MessagePack::shared()->encode($this->token);
        $sequence = $this->replies->expectNext();
        try {
            $this->send(CallFrame::start(Frame::MSGPACK, $sequence, $call->method, \strlen($argument)), $argument);
            ReplyReader::read($this->receive($this->replies, $sequence, $call, \microtime(true)), $call, $this->handles);
        } catch (RpcMethodException) {
            // A server without a token does not ask for one.
        } catch (RpcException|ConnectionException $exception) {
            $this->close();

            throw $exception;
        }
    }

    /** Takes what is there. */
    private function read(): void
    {
        $bytes = $this->socket === null ? '' : @\fread($this->socket, self::READ_BYTES);
        if ($bytes === '' || $bytes === false) {
            if ($this->socket === null || \feof($this->socket)) {
                $this->break('the server closed the connection');
            }

            return;
        }
        $this->readAt = \microtime(true);
        try {
            $this->decoder->push($bytes);
            while (($frame = $this->decoder->next()) !== null) {
                if (\count($frame->options) !== 2) {
                    $this->break('the server sent a frame that is no reply');
                }
                $this->replies->accept($frame);
            }
        } catch (ProtocolException $exception) {
            $this->break($exception->getMessage());
        }
    }

    /**
     * Whether there is something to read before the time is over, or, when $writing, before something can be written.
     *
     * @throws ConnectionException when neither can be done in time although $writing
     */
    private function waitFor(bool $writing, float $seconds): bool
    {
        $read = [$this->socket];
        $write = $writing ? [$this->socket] : null;
        $none = null;
        // A signal ends it early, with false: the caller looks at the time and comes back.
        // @phpstan-ignore argument.type, argument.type (both lists have the one open socket)
        $count = @\stream_select($read, $write, $none, (int) $seconds, (int) (\fmod($seconds, 1) * 1e6));
        if ($count === 0 && $writing) {
            $this->break("the server takes no bytes for {$seconds} s");
        }

        // @phpstan-ignore notIdentical.alwaysTrue (stream_select() takes out what has nothing to read)
        return $count !== false && $count > 0 && $read !== [];
    }

    private function break(string $reason): never
    {
        $this->close();

        throw new ConnectionException("{$this->address}: {$reason}");
    }
}
