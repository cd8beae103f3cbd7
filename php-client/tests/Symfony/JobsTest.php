<?php

declare(strict_types=1);

namespace Rrts\Tests\Symfony;

use PHPUnit\Framework\Attributes\TestWith;
use Rrts\Tests\Stub\Master;

/** Front controllers in workers that the server started for jobs. The one of examples/symfony-messenger is run by the tests of the server. */
final class JobsTest extends SymfonyTestCase
{
    public function testACallableRunsJobs(): void
    {
        $master = $this->startForJobs('http-kernel-7/public/jobs.php');
        self::assertSame([], $master->job('App\SendMail'));
        $failed = $master->job('App\SendMail', 'bad');
        self::assertIsArray($failed);
        self::assertSame(\DomainException::class, $failed['class']);
        self::assertSame(0, $master->stop());
        self::assertStringContainsString("did App\SendMail\n", $master->log());
    }

    #[TestWith(['symfony-6.4/public/index.php', 'The server started this application to run jobs, and it does not know how: it needs framework.messenger, and Rrts\Messenger\RrtsMessengerBundle in config/bundles.php.'])]
    #[TestWith(['http-kernel-7/public/index.php', 'the front controller returned Symfony\Component\HttpKernel\HttpKernel, which answers requests: a Symfony kernel, or a callable that takes a Rrts\Jobs\Job, expected.'])]
    #[TestWith(['http-kernel-7/public/response.php', 'the front controller returned Symfony\Component\HttpFoundation\Response, which answers requests'])]
    #[TestWith(['http-kernel-7/public/psr15.php', 'which answers requests'])]
    public function testAnApplicationThatCannotRunJobsIsAFailedBootWithAReason(string $script, string $reason): void
    {
        $master = $this->startForJobs($script, false);
        self::assertNull($master->tryReceive());
        self::assertSame(255, $master->waitForExit());
        self::assertStringContainsString($reason, $master->log());
    }

    private function startForJobs(string $script, bool $handshake = true): Master
    {
        return new Master(self::path($script), environment: ['RR_MODE' => 'jobs'] + $this->environment(), handshake: $handshake);
    }
}
