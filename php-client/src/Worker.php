<?php

declare(strict_types=1);

namespace Rrts;

use Rrts\Exception\ConfigurationException;
use Rrts\Exception\ProtocolException;
use Rrts\Exception\TransportException;
use Rrts\Internal\Inbox;
use Rrts\Protocol\ControlMessage;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\HeadCodecInterface;
use Rrts\Protocol\HeadCodecs;
use Rrts\Relay\FrameChannel;
use Rrts\Relay\RelayFactory;
use Rrts\Relay\RelayInterface;
use Rrts\Rpc\InBandRpc;
use Rrts\Rpc\Replies;

/**
 * A native worker: one request at a time, in the terms of the protocol. {@see Http\HttpWorker} speaks HTTP on top.
 */
final class Worker
{
    private const FEATURES = ['stream', 'early-hints', 'prefetch', 'rpc'];

    /** That of this process. */
    private static ?self $current = null;

    /** This process is going to be one. */
    private static bool $announced = false;

    /** Whether the master shows errors to clients. */
    public readonly bool $debug;

    private readonly FrameChannel $channel;

    private readonly Inbox $inbox;

    private readonly HeadCodecInterface $codec;

    /** Null when the master offers none. */
    private readonly ?InBandRpc $rpc;

    /** A request is in hand that nothing has answered. */
    private bool $busy = false;

    private ?ResponseStream $stream = null;

    /** Nothing is done between an answer and the next request. */
    private bool $beginsNext = false;

    /**
     * Says hello and waits for the welcome.
     *
     * @param HeadCodecs|null $codecs the head codecs to offer; all that this PHP has by default
     *
     * @throws TransportException when the master does not answer
     * @throws ProtocolException when it answers something else than a welcome
     */
    public function __construct(RelayInterface $relay, ?HeadCodecs $codecs = null)
    {
        $codecs ??= HeadCodecs::available();
        $this->channel = new FrameChannel($relay);
        $replies = new Replies();
        $this->inbox = new Inbox($this->channel, $replies);
        $this->channel->send(ControlMessage::hello(Version::CLIENT, Version::PROTOCOL, $codecs->names(), self::FEATURES)->toFrame());
        $welcome = $this->waitForWelcome();
        $this->codec = $codecs->get($welcome->text('codec'));
        $this->debug = $welcome->flag('debug');
        $this->rpc = $welcome->flag('rpc') ? new InBandRpc($this->channel, $this->inbox, $replies, $welcome->number('rpc_max')) : null;
    }

    /**
     * The worker of this process, on the channel named in RRTS_RELAY. The first call says hello: from then on the process counts as
     * ready, gets requests and can call; further calls give the same worker.
     *
     * @throws ConfigurationException when the process was not started by rrts
     * @throws TransportException when the channel does not work
     * @throws ProtocolException when the peer is not rrts
     */
    public static function create(): self
    {
        return self::$current ??= new self(RelayFactory::fromEnvironment());
    }

    /** What {@see create()} made; null before it did. */
    public static function current(): ?self
    {
        return self::$current;
    }

    /**
     * This process will {@see create()} its worker as soon as the application has booted.
     *
     * @internal
     */
    public static function announce(): void
    {
        self::$announced = true;
    }

    /**
     * Whether it will, or has.
     *
     * @internal
     */
    public static function isAnnounced(): bool
    {
        return self::$announced;
    }

    /**
     * Calls to the services of the server, on the channel of this worker.
     *
     * @throws ConfigurationException when the server offers none on it
     */
    public function rpc(): InBandRpc
    {
        return $this->rpc ?? throw new ConfigurationException('The server takes no calls on the channel of its workers: it is older than this package.');
    }

    /** Whether {@see rpc()} gives something. */
    public function hasRpc(): bool
    {
        return $this->rpc !== null;
    }

    /**
     * Waits for the next piece of work; null when the worker is to end.
     *
     * @throws TransportException when the channel broke inside a frame
     * @throws ProtocolException when the master sent something that is no request
     * @throws \LogicException while the last request is unanswered
     */
    public function waitPayload(): ?Payload
    {
        if ($this->busy) {
            throw new \LogicException('The last request has no answer yet.');
        }
        $this->rpc?->flush();
        $frame = $this->inbox->nextRequest();
        if ($frame === null) {
            return null;
        }
        $headLength = $frame->options[0] ?? -1;
        if ($headLength < 0 || $headLength > \strlen($frame->payload) || ($frame->flags & $this->codec->flag()) === 0) {
            throw new ProtocolException("Not a request: flags {$frame->flags}, head of {$headLength} bytes, payload of " . \strlen($frame->payload) . '.');
        }
        $this->busy = true;

        return new Payload($this->codec->decode(\substr($frame->payload, 0, $headLength)), \substr($frame->payload, $headLength));
    }

    /** Whether a request is in hand that nothing has answered yet. */
    public function isBusy(): bool
    {
        return $this->busy;
    }

    /** Whether the head of a streamed reply is out, so that only an error can end the request otherwise. */
    public function isStreaming(): bool
    {
        return $this->stream?->hasBegun() === true;
    }

    /**
     * Sends the whole reply.
     *
     * @param array<array-key, mixed> $head for HTTP a status and a flat list: name, value, name, value
     *
     * @throws TransportException when the master has gone
     * @throws \LogicException without a request in hand
     */
    public function respond(array $head, string $body = ''): void
    {
        $this->expectBusy();
        $this->channel->sendReply($this->codec->flag(), $this->beginNext(), $this->codec->encode($head), $body);
        $this->busy = false;
        $this->stream = null;
    }

    /**
     * Sends an informational head, such as 103 Early Hints, ahead of the reply.
     *
     * @param array<array-key, mixed> $head as in {@see respond()}
     *
     * @throws TransportException when the master has gone
     * @throws \LogicException without a request in hand
     */
    public function inform(array $head): void
    {
        $this->expectBusy();
        $this->channel->sendReply($this->codec->flag(), Frame::STREAM, $this->codec->encode($head), '');
    }

    /**
     * Opens a reply that is sent piece by piece. The head goes out with the first piece.
     *
     * @param array<array-key, mixed> $head as in {@see respond()}
     *
     * @throws \LogicException without a request in hand
     */
    public function stream(array $head): ResponseStream
    {
        $this->expectBusy();
        $onEnd = function (): void {
            $this->busy = false;
            $this->stream = null;
        };

        return $this->stream = new ResponseStream($this->channel, $this->inbox, $this->codec->flag(), $this->codec->encode($head), $onEnd);
    }

    /**
     * Says that the request failed while the worker is well; also ends a stream that has begun.
     *
     * @throws TransportException when the master has gone
     * @throws \LogicException without a request in hand
     */
    public function error(string $message): void
    {
        $this->expectBusy();
        $this->channel->send(FrameCodec::encode(new Frame(Frame::ERROR, $message, [], $this->beginNext())));
        $this->busy = false;
        $this->stream = null;
    }

    /**
     * Hands the request back unhandled and asks to be ended: another worker gets it and this one is replaced.
     *
     * @throws TransportException when the master has gone
     * @throws \LogicException without a request in hand
     */
    public function stop(): void
    {
        $this->expectBusy();
        $this->inbox->refuseRequests();
        $this->channel->sendReply(0, 0, ControlMessage::stop()->toJson(), '');
        $this->busy = false;
    }

    /**
     * Lets an answer say that the next request is begun, when that is here already; it saves a frame for each. For loops
     * that take the next request as soon as an answer is out: while something else is done after an answer, the master
     * should be free to give what waits to another worker.
     */
    public function beginNextWithAnswer(): void
    {
        $this->beginsNext = true;
    }

    private function beginNext(): int
    {
        return $this->beginsNext ? $this->inbox->beginNext() : 0;
    }

    private function expectBusy(): void
    {
        if (!$this->busy) {
            throw new \LogicException('There is no request to answer.');
        }
    }

    private function waitForWelcome(): ControlMessage
    {
        while (($frame = $this->channel->receive()) !== null) {
            if (($frame->flags & Frame::CONTROL) === 0) {
                throw new ProtocolException('The master sent a request before the welcome.');
            }
            // On a socket relay the master asks for the process number first; the hello has told it.
            $message = ControlMessage::parse($frame->payload);
            if ($message->isWelcome()) {
                return $message;
            }
        }

        throw new TransportException('The master closed the channel before the welcome.');
    }
}
