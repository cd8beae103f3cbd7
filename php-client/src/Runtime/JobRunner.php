<?php

declare(strict_types=1);

namespace Rrts\Runtime;

use Rrts\Exception\ConfigurationException;
use Rrts\Exception\TransportException;
use Rrts\Internal\StdoutGuard;
use Rrts\Jobs\JobWorker;
use Rrts\Messenger\MessengerWorker;
use Rrts\Messenger\RrtsMessengerBundle;
use Rrts\Worker;
use Symfony\Component\HttpKernel\KernelInterface;
use Symfony\Component\Runtime\RunnerInterface;

/** Handles the messages of `rrts://` transports with a Symfony kernel that stays in memory. */
final class JobRunner implements RunnerInterface
{
    public function __construct(private readonly KernelInterface $kernel, private readonly ?StdoutGuard $guard = null) {}

    /**
     * Boots the kernel, says hello and runs jobs until the master says stop.
     *
     * @return int the exit code, always 0
     *
     * @throws ConfigurationException when the application has no {@see RrtsMessengerBundle}, or no Messenger
     * @throws TransportException when the channel to the master broke
     */
    public function run(): int
    {
        Worker::announce();
        $this->kernel->boot();
        $container = $this->kernel->getContainer();
        $worker = $container->has(MessengerWorker::class) ? $container->get(MessengerWorker::class) : null;
        if (!$worker instanceof MessengerWorker) {
            throw new ConfigurationException('The server started this application to run jobs, and it does not know how: it needs framework.messenger, and ' . RrtsMessengerBundle::class . ' in config/bundles.php.');
        }
        $worker->start();
        (new JobWorker(Worker::create()))->run($worker(...), $this->guard);
        $worker->end();

        return 0;
    }
}
