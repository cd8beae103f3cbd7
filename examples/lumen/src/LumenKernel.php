<?php

// Shows a Lumen application to rrts as the HttpKernel it almost is.

declare(strict_types=1);

namespace App;

use Laravel\Lumen\Application;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\HttpKernelInterface;

final class LumenKernel implements HttpKernelInterface
{
    public function __construct(private readonly Application $application) {}

    public function handle(Request $request, int $type = self::MAIN_REQUEST, bool $catch = true): Response
    {
        return $this->application->handle($request);
    }
}
