<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Internal;

use PHPUnit\Framework\TestCase;
use Rrts\Internal\Inbox;
use Rrts\Protocol\ControlMessage;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Relay\FrameChannel;
use Rrts\Rpc\Replies;
use Rrts\Tests\Stub\LateRelay;
use Rrts\Tests\Stub\MemoryRelay;

/** Requests that are sent ahead: when they are announced, and what becomes of revoked ones. */
final class InboxTest extends TestCase
{
    /** More than the 5 ms from which a request counts as slow. */
    private const SLOW_MICROSECONDS = 6000;

    public function testARequestForAnIdleWorkerIsNotAnnounced(): void
    {
        $relay = new MemoryRelay(self::request('a'));

        self::assertSame('a', (new Inbox(new FrameChannel($relay)))->nextRequest()?->payload);
        self::assertSame('', $relay->written);
    }

    public function testARequestThatWasSentAheadIsAnnouncedByItself(): void
    {
        $relay = new MemoryRelay(self::ahead('a'));

        self::assertSame('a', (new Inbox(new FrameChannel($relay)))->nextRequest()?->payload);
        self::assertEquals([self::begin()], $relay->takeFrames());
    }

    public function testOneThatIsHereAlreadyIsAnnouncedWithTheAnswerBeforeIt(): void
    {
        $relay = new MemoryRelay(self::request('a') . self::ahead('b') . self::ahead('c'));
        $inbox = new Inbox(new FrameChannel($relay));

        $inbox->nextRequest();
        self::assertSame(Frame::BEGIN, $inbox->beginNext());
        self::assertSame(0, $inbox->beginNext(), 'once is enough');
        self::assertSame('b', $inbox->nextRequest()?->payload);
        self::assertSame(Frame::BEGIN, $inbox->beginNext());
        self::assertSame('c', $inbox->nextRequest()->payload);
        self::assertSame(0, $inbox->beginNext());
        self::assertSame('', $relay->written);
    }

    public function testLooksOnceForAReplyThatIsThere(): void
    {
        $relay = new LateRelay();
        $relay->ready = true;

        $looks = self::looksOfCalls($relay, 5);

        // On a machine that stops this process meanwhile, the look is late, and the next call does without.
        self::assertSame(1, $looks[0]);
        self::assertSame([], \array_filter($looks, static fn(int $times): bool => $times > 1));
    }

    public function testDoesNotLookForLongNorAgainAndAgainWhereThatIsInVain(): void
    {
        $relay = new LateRelay();
        $start = \hrtime(true);
        $looks = self::looksOfCalls($relay, 120);

        // One, four, sixteen, then 64 calls do not look.
        self::assertSame([0, 2, 7, 24, 89], \array_keys(\array_filter($looks, static fn(int $times): bool => $times > 0)));
        self::assertLessThan(1_000_000_000, \hrtime(true) - $start);
    }

    public function testRevokedRequestsAreThrownAwayAndCounted(): void
    {
        $relay = new MemoryRelay(self::request('slow'), self::ahead('a') . self::ahead('b'), ControlMessage::revoke()->toFrame(), self::request('next'));
        $inbox = new Inbox(new FrameChannel($relay));

        $inbox->nextRequest();
        \usleep(self::SLOW_MICROSECONDS);
        self::assertSame(0, $inbox->beginNext(), 'after a slow request nothing is begun before the orders are read');
        self::assertSame('next', $inbox->nextRequest()?->payload);
        self::assertSame(['{"dropped":2}'], \array_map(static fn(Frame $frame): string => $frame->payload, $relay->takeFrames()));
    }

    public function testAfterTheWishToBeEndedNothingIsBegun(): void
    {
        $relay = new MemoryRelay(self::request('a') . self::ahead('b'), self::ahead('c'), ControlMessage::stop()->toFrame());
        $inbox = new Inbox(new FrameChannel($relay));

        $inbox->nextRequest();
        $inbox->refuseRequests();
        self::assertNull($inbox->nextRequest());
        self::assertSame('', $relay->written);
    }

    public function testWhatStandsBehindAStreamIsReadBeforeTheNextRequestIsBegun(): void
    {
        $relay = new MemoryRelay(self::request('stream'));
        $inbox = new Inbox(new FrameChannel($relay));

        $inbox->nextRequest();
        self::assertFalse($inbox->isStreamAbandoned());
        $relay->queue(self::ahead('a'));
        $relay->queue(ControlMessage::revoke()->toFrame());
        $relay->queue(self::request('next'));
        self::assertSame('next', $inbox->nextRequest()?->payload);
        self::assertSame(['{"dropped":1}'], \array_map(static fn(Frame $frame): string => $frame->payload, $relay->takeFrames()));
    }

    public function testARequestThatWasAnnouncedIsNotThrownAway(): void
    {
        $relay = new MemoryRelay(self::request('a') . self::ahead('b') . self::ahead('c'));
        $inbox = new Inbox(new FrameChannel($relay));

        $inbox->nextRequest();
        self::assertSame(Frame::BEGIN, $inbox->beginNext());
        $relay->queue(ControlMessage::revoke()->toFrame());
        self::assertFalse($inbox->isStreamAbandoned());
        self::assertSame('b', $inbox->nextRequest()?->payload);
        self::assertSame([], \array_filter($relay->takeFrames(), static fn(Frame $frame): bool => $frame->stream !== 0));
    }

    public function testTheRequestThatOthersWereSentBehindStays(): void
    {
        $relay = new MemoryRelay(self::request('a') . self::ahead('b') . ControlMessage::revoke()->toFrame());
        $inbox = new Inbox(new FrameChannel($relay));

        \usleep(self::SLOW_MICROSECONDS);
        self::assertSame('a', $inbox->nextRequest()?->payload);
        self::assertSame(['{"dropped":1}'], \array_map(static fn(Frame $frame): string => $frame->payload, $relay->takeFrames()));
    }

    public function testRevokingNothingSaysNothing(): void
    {
        $relay = new MemoryRelay(ControlMessage::revoke()->toFrame(), self::request('a'));

        self::assertSame('a', (new Inbox(new FrameChannel($relay)))->nextRequest()?->payload);
        self::assertSame('', $relay->written);
    }

    private static function request(string $payload): string
    {
        return FrameCodec::encode(new Frame(Frame::JSON, $payload, [0]));
    }

    private static function ahead(string $payload): string
    {
        return FrameCodec::encode(new Frame(Frame::JSON, $payload, [0], Frame::BEGIN));
    }

    private static function begin(): Frame
    {
        return new Frame(0, stream: Frame::BEGIN);
    }

    /** @return list<int> how often each of so many calls looked for its reply */
    private static function looksOfCalls(LateRelay $relay, int $calls): array
    {
        $replies = new Replies();
        $inbox = new Inbox(new FrameChannel($relay), $replies);
        $looks = [];
        for ($call = 0; $call < $calls; ++$call) {
            $before = $relay->looks;
            $sequence = $replies->expectNext();
            $relay->bytes = FrameCodec::encode(new Frame(Frame::MSGPACK, "it.Is\xC3", [$sequence, 5]));
            self::assertSame("it.Is\xC3", $inbox->waitForReply($sequence)->payload);
            $looks[] = $relay->looks - $before;
        }

        return $looks;
    }
}
