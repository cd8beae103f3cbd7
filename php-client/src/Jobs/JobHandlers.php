<?php

declare(strict_types=1);

namespace Rrts\Jobs;

use Psr\Container\ContainerInterface;
use Rrts\Exception\ConfigurationException;

/**
 * Finds what runs a job.
 *
 * @internal
 */
final class JobHandlers
{
    /**
     * @param callable(Job): mixed|array<string, callable(Job): mixed>|ContainerInterface $handler as {@see JobWorker::consume()} takes it
     *
     * @return \Closure(Job): mixed
     *
     * @throws ConfigurationException for a map with something in it that cannot be called
     */
    public static function resolve(callable|array|ContainerInterface $handler): \Closure
    {
        return match (true) {
            \is_callable($handler) => $handler(...),
            $handler instanceof ContainerInterface => self::ofContainer($handler),
            default => self::ofMap($handler),
        };
    }

    /**
     * @param array<array-key, mixed> $map
     *
     * @return \Closure(Job): mixed
     */
    private static function ofMap(array $map): \Closure
    {
        $handlers = [];
        foreach ($map as $name => $handler) {
            if (!\is_callable($handler)) {
                throw new ConfigurationException("The handler of the job {$name} cannot be called: it is " . (\is_string($handler) ? "\"{$handler}\"" : \get_debug_type($handler)) . '.');
            }
            $handlers[$name] = $handler(...);
        }
        if ($handlers === []) {
            throw new ConfigurationException('There is no handler of any job: a map of names and callables expected.');
        }

        return static fn(Job $job): mixed => ($handlers[$job->name] ?? throw self::missing($job, 'this worker has handlers of: ' . \implode(', ', \array_keys($handlers))))($job);
    }

    /** @return \Closure(Job): mixed */
    private static function ofContainer(ContainerInterface $container): \Closure
    {
        return static function (Job $job) use ($container): mixed {
            if (!$container->has($job->name)) {
                throw self::missing($job, 'the container has no service of this name');
            }
            $handler = $container->get($job->name);

            return \is_callable($handler) ? $handler($job) : throw self::missing($job, 'the service of this name, ' . \get_debug_type($handler) . ', has no method __invoke');
        };
    }

    /** It would be missing the next time, too. */
    private static function missing(Job $job, string $why): UnrecoverableException
    {
        return new UnrecoverableException("No handler for the job {$job->name} of the pipeline {$job->pipeline}: {$why}.");
    }
}
