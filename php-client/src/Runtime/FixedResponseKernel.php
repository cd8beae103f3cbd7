<?php

declare(strict_types=1);

namespace Rrts\Runtime;

use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\HttpKernelInterface;

/**
 * Answers every request with the response that the front controller returned.
 *
 * @internal
 */
final class FixedResponseKernel implements HttpKernelInterface
{
    public function __construct(private readonly Response $response) {}

    public function handle(Request $request, int $type = self::MAIN_REQUEST, bool $catch = true): Response
    {
        return (clone $this->response)->prepare($request);
    }
}
