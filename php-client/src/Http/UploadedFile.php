<?php

declare(strict_types=1);

namespace Rrts\Http;

/** One uploaded file, in a temporary place until the answer is sent. */
final class UploadedFile
{
    /**
     * @param string $name as the client named it, without folders
     * @param string $fullPath as the client named it
     * @param string $mediaType as the client named it
     * @param int $size bytes
     * @param int $error one of the UPLOAD_ERR constants
     * @param string $path temporary file; '' after an error
     */
    public function __construct(
        public readonly string $name,
        public readonly string $fullPath,
        public readonly string $mediaType,
        public readonly int $size,
        public readonly int $error,
        public readonly string $path,
    ) {}

    /**
     * Moves the file to a lasting place.
     *
     * @throws \RuntimeException when the upload failed or the file cannot be moved
     */
    public function moveTo(string $target): void
    {
        if ($this->error !== \UPLOAD_ERR_OK) {
            throw new \RuntimeException("The upload of \"{$this->name}\" failed with code {$this->error}.");
        }
        if (!@\rename($this->path, $target)) {
            throw new \RuntimeException("Cannot move the upload \"{$this->name}\" to {$target}: " . (\error_get_last()['message'] ?? 'unknown cause') . '.');
        }
        // rename() keeps the temporary file's mode; a moved upload gets the mode of any new file, as in PHP.
        @\chmod($target, 0o666 & ~\umask());
    }
}
