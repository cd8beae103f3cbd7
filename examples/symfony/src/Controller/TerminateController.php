<?php

// Shows that kernel.terminate runs after the answer: the request asks for a note, the note is written later.

declare(strict_types=1);

namespace App\Controller;

use App\LateNotes;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpKernel\Attribute\AsController;
use Symfony\Component\Routing\Attribute\Route;

#[AsController]
final class TerminateController
{
    public function __construct(private readonly LateNotes $notes) {}

    #[Route('/terminate/{id}', requirements: ['id' => '[a-zA-Z0-9-]{1,64}'], methods: ['GET'])]
    public function ask(string $id): JsonResponse
    {
        $this->notes->ask($id);

        return new JsonResponse(['id' => $id, 'written' => false, 'look at' => "/terminated/{$id}"]);
    }

    #[Route('/terminated/{id}', requirements: ['id' => '[a-zA-Z0-9-]{1,64}'], methods: ['GET'])]
    public function look(string $id): JsonResponse
    {
        $written = $this->notes->takeWritten($id);

        return new JsonResponse(['id' => $id, 'written' => $written]);
    }
}
