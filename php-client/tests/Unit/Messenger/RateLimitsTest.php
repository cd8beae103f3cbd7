<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Messenger;

use PHPUnit\Framework\TestCase;
use Rrts\Messenger\RateLimits;
use Symfony\Component\DependencyInjection\ServiceLocator;

/** A limiter as symfony/rate-limiter has it, which Messenger 5.4 does not know: factory, limiter, limit and reservation in one. */
final class RateLimitsTest extends TestCase
{
    /** @var list<string> */
    private array $calls = [];

    private bool $isAccepted = true;

    public function testOnlyWhatIsOverTheLimitWaits(): void
    {
        $limits = new RateLimits(new ServiceLocator(['emails' => fn(): self => $this]), null, null);
        $limits->wait('reports');
        self::assertSame([], $this->calls);
        $limits->wait('emails');
        self::assertSame(['create', 'consume'], $this->calls);
        $this->isAccepted = false;
        $limits->wait('emails');
        self::assertSame(['create', 'consume', 'create', 'consume', 'reserve', 'wait'], $this->calls);
    }

    public function testWithoutLimitersNothingWaits(): void
    {
        (new RateLimits(null, null, null))->wait('emails');
        (new RateLimits(new ServiceLocator(['emails' => static fn(): object => new \stdClass()]), null, null))->wait('emails');
        self::assertSame([], $this->calls);
    }

    public function create(): self
    {
        return $this->called('create');
    }

    public function consume(): self
    {
        return $this->called('consume');
    }

    public function isAccepted(): bool
    {
        return $this->isAccepted;
    }

    public function reserve(): self
    {
        return $this->called('reserve');
    }

    public function wait(): void
    {
        $this->called('wait');
    }

    private function called(string $method): self
    {
        $this->calls[] = $method;

        return $this;
    }
}
