<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Protocol;

use PHPUnit\Framework\TestCase;
use Rrts\Exception\ProtocolException;
use Rrts\Protocol\Frame;
use Rrts\Protocol\FrameCodec;
use Rrts\Protocol\FrameDecoder;

/** Random frames from a seed that every failure names; RRTS_TEST_SEED repeats one or tries another. */
final class FrameDecoderPropertyTest extends TestCase
{
    private const DEFAULT_SEED = 20260217;
    private const ROUNDS = 300;

    private int $seed;

    protected function setUp(): void
    {
        $seed = \getenv('RRTS_TEST_SEED');
        $this->seed = $seed === false ? self::DEFAULT_SEED : (int) $seed;
        \mt_srand($this->seed);
    }

    public function testAnySplitDecodesTheSame(): void
    {
        for ($round = 0; $round < self::ROUNDS; $round++) {
            $frames = self::randomFrames();
            $bytes = \implode('', \array_map(FrameCodec::encode(...), $frames));

            self::assertEquals($frames, self::decode(self::randomSplit($bytes)), "round {$round} of seed {$this->seed}");
        }
    }

    public function testAnyMutationIsAnErrorOrFramesAndNeverEndless(): void
    {
        for ($round = 0; $round < self::ROUNDS * 4; $round++) {
            $bytes = self::mutate(\implode('', \array_map(FrameCodec::encode(...), self::randomFrames())));
            try {
                $frames = self::decode(self::randomSplit($bytes));
            } catch (ProtocolException $exception) {
                self::assertStringStartsWith('Not a frame: ', $exception->getMessage());

                continue;
            }
            $size = \array_sum(\array_map(static fn(Frame $frame): int => \strlen(FrameCodec::encode($frame)), $frames));
            self::assertLessThanOrEqual(\strlen($bytes), $size, "round {$round} of seed {$this->seed}");
        }
    }

    /** @return list<Frame> */
    private static function randomFrames(): array
    {
        $frames = [];
        for ($count = \mt_rand(1, 5); $count > 0; $count--) {
            $options = [];
            for ($option = \mt_rand(0, 10); $option > 0; $option--) {
                $options[] = \mt_rand(0, 0xFFFFFFFF);
            }
            $length = \mt_rand(0, 3) === 0 ? \mt_rand(0, 5000) : \mt_rand(0, 40);
            $payload = '';
            while (\strlen($payload) < $length) {
                $payload .= \chr(\mt_rand(0, 255));
            }
            $frames[] = new Frame(\mt_rand(0, 255), $payload, $options, \mt_rand(0, 15));
        }

        return $frames;
    }

    /** @return list<string> */
    private static function randomSplit(string $bytes): array
    {
        $parts = [];
        $most = 1 << \mt_rand(0, 12);
        for ($offset = 0; $offset < \strlen($bytes); $offset += \strlen(\end($parts))) {
            $parts[] = \substr($bytes, $offset, \mt_rand(1, $most));
        }

        return $parts;
    }

    private static function mutate(string $bytes): string
    {
        $at = \mt_rand(0, \strlen($bytes) - 1);

        return match (\mt_rand(0, 3)) {
            0 => \substr($bytes, 0, $at),
            1 => \substr($bytes, 0, $at) . \substr($bytes, $at + 1),
            2 => \substr($bytes, 0, $at) . \chr(\mt_rand(0, 255)) . \substr($bytes, $at),
            default => \substr_replace($bytes, \chr(\ord($bytes[$at]) ^ 1 << \mt_rand(0, 7)), $at, 1),
        };
    }

    /**
     * @param list<string> $parts
     *
     * @return list<Frame>
     */
    private static function decode(array $parts): array
    {
        $decoder = new FrameDecoder(1 << 20);
        $frames = [];
        foreach ($parts as $part) {
            $decoder->push($part);
            for ($frame = $decoder->next(); $frame !== null; $frame = $decoder->next()) {
                $frames[] = $frame;
            }
        }

        return $frames;
    }
}
