<?php

declare(strict_types=1);

namespace Rrts\Messenger;

use Psr\Container\ContainerInterface;
use Psr\EventDispatcher\EventDispatcherInterface;
use Psr\Log\LoggerInterface;

/**
 * The `rate_limiter` of transports, which Messenger 6.2 has. It works without symfony/rate-limiter being there.
 *
 * @internal
 */
final class RateLimits
{
    private const EVENT = 'Symfony\Component\Messenger\Event\WorkerRateLimitedEvent';
    private const LIMITER = 'Symfony\Component\RateLimiter\LimiterInterface';

    /** @param ContainerInterface|null $factories of limiters, by the name of the transport: `messenger.rate_limiter_locator` */
    public function __construct(
        private readonly ?ContainerInterface $factories,
        private readonly ?EventDispatcherInterface $events,
        private readonly ?LoggerInterface $logger,
    ) {}

    /** Waits until a message of this transport may be handled. */
    public function wait(string $transport): void
    {
        if ($this->factories?->has($transport) !== true) {
            return;
        }
        $limiter = self::call($this->factories->get($transport), 'create');
        if (!\is_object($limiter) || self::call(self::call($limiter, 'consume'), 'isAccepted') !== false) {
            return;
        }
        $this->logger?->info('The transport {transport} is rate limited: waiting.', ['transport' => $transport]);
        $event = \class_exists(self::EVENT) && \is_a($limiter, self::LIMITER) ? new (self::EVENT)($limiter, $transport) : null;
        if (\is_object($event)) {
            $this->events?->dispatch($event);
        }
        self::call(self::call($limiter, 'reserve'), 'wait');
    }

    private static function call(mixed $object, string $method): mixed
    {
        $callable = [$object, $method];

        return \is_callable($callable) ? $callable() : null;
    }
}
