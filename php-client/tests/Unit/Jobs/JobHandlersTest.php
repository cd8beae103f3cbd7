<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Jobs;

use PHPUnit\Framework\TestCase;
use Rrts\Jobs\Job;
use Rrts\Jobs\JobHandlers;
use Rrts\Jobs\UnrecoverableException;
use Symfony\Component\DependencyInjection\Container;

final class JobHandlersTest extends TestCase
{
    public function testAMethodIsACallableAndNoMap(): void
    {
        self::assertSame('a', JobHandlers::resolve([self::class, 'nameOf'])(new Job('1', 'a')));
    }

    public function testAContainerHasTheHandlerThatAJobIsNamedAfter(): void
    {
        $container = new Container();
        $container->set('App\SendMail', new class {
            public function __invoke(Job $job): string
            {
                return $job->payload;
            }
        });
        $container->set('App\Other', new \stdClass());
        $handler = JobHandlers::resolve($container);
        self::assertSame('x', $handler(new Job('1', 'App\SendMail', 'x')));
        $missing = [
            'App\Gone' => 'No handler for the job App\Gone of the pipeline emails: the container has no service of this name.',
            'App\Other' => 'No handler for the job App\Other of the pipeline emails: the service of this name, stdClass, has no method __invoke.',
        ];
        foreach ($missing as $name => $message) {
            try {
                $handler(new Job('1', $name, pipeline: 'emails'));
                self::fail('It was run.');
            } catch (UnrecoverableException $failure) {
                self::assertSame($message, $failure->getMessage());
            }
        }
    }

    public static function nameOf(Job $job): string
    {
        return $job->name;
    }
}
