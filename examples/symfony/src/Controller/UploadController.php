<?php

// A form that takes files and shows what arrived.

declare(strict_types=1);

namespace App\Controller;

use Symfony\Component\HttpFoundation\File\UploadedFile;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\Attribute\AsController;
use Symfony\Component\Routing\Attribute\Route;

#[AsController]
final class UploadController
{
    private const FORM = <<<'HTML'
        <!DOCTYPE html>
        <title>Upload</title>
        <form method="post" enctype="multipart/form-data">
          <input name="title" placeholder="title">
          <input type="file" name="files[]" multiple>
          <button>Upload</button>
        </form>

        HTML;

    #[Route('/upload', methods: ['GET'])]
    public function form(): Response
    {
        return new Response(self::FORM);
    }

    #[Route('/upload', methods: ['POST'])]
    public function receive(Request $request): JsonResponse
    {
        $files = [];
        $all = $request->files->all();
        \array_walk_recursive($all, static function (mixed $file) use (&$files): void {
            if ($file instanceof UploadedFile) {
                $files[] = self::describe($file);
            }
        });

        return new JsonResponse(['fields' => $request->request->all(), 'files' => $files]);
    }

    /** @return array<string, int|string|null> */
    private static function describe(UploadedFile $file): array
    {
        if (!$file->isValid()) {
            return ['name' => $file->getClientOriginalName(), 'error' => $file->getError()];
        }

        return [
            'name' => $file->getClientOriginalName(),
            'size' => $file->getSize(),
            'sha256' => \hash_file('sha256', $file->getPathname()),
        ];
    }
}
