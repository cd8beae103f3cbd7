<?php

// A counter in the visitor's session.

declare(strict_types=1);

namespace App\Controller;

use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\Attribute\AsController;
use Symfony\Component\Routing\Attribute\Route;

#[AsController]
final class SessionController
{
    #[Route('/session', methods: ['GET'])]
    public function visit(Request $request): Response
    {
        $session = $request->getSession();
        $before = $session->get('visits', 0);
        $visits = (\is_int($before) ? $before : 0) + 1;
        $session->set('visits', $visits);

        return new Response("Visits in this session: {$visits}\n", headers: ['Content-Type' => 'text/plain']);
    }
}
