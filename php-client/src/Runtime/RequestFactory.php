<?php

declare(strict_types=1);

namespace Rrts\Runtime;

use Rrts\Http\Request;
use Rrts\Http\ServerVariables;
use Rrts\Http\UploadedFile;
use Symfony\Component\HttpFoundation\File\UploadedFile as SymfonyUploadedFile;
use Symfony\Component\HttpFoundation\Request as SymfonyRequest;

/**
 * A {@see Request} to an HttpFoundation request, with nothing in between.
 *
 * @internal
 */
final class RequestFactory
{
    /** @var array<array-key, mixed> what every request has in $_SERVER */
    private readonly array $common;

    /** @param array<array-key, mixed> $server $_SERVER as it was when the worker started */
    public function __construct(array $server)
    {
        $common = [];
        foreach ($server as $name => $value) {
            // A header must not come from the environment, and a web request has no command line.
            if (!\str_starts_with((string) $name, 'HTTP_') && $name !== 'argv' && $name !== 'argc') {
                $common[$name] = $value;
            }
        }
        $script = $server['SCRIPT_FILENAME'] ?? '';
        $script = \is_string($script) ? $script : '';
        $resolved = \realpath($script);
        $script = $resolved === false ? $script : $resolved;
        $this->common = [
            'SCRIPT_FILENAME' => $script,
            'SCRIPT_NAME' => '/' . \basename($script),
            'PHP_SELF' => '/' . \basename($script),
            'DOCUMENT_ROOT' => \dirname($script),
        ] + $common;
    }

    /** Also fills the superglobals, for code that reads them. */
    public function create(Request $request): SymfonyRequest
    {
        $_SERVER = ServerVariables::of($request) + $this->common;
        $_GET = $request->query();
        $_POST = $request->form();
        $_COOKIE = $request->cookies();
        $_REQUEST = $_POST + $_GET;
        $_FILES = [];
        $files = $request->files() === [] ? [] : \array_filter(self::files($request->files()), static fn(mixed $file): bool => $file !== null);

        return new SymfonyRequest($_GET, $_POST, $request->attributes, $_COOKIE, $files, $_SERVER, $request->body);
    }

    /**
     * @param array<array-key, mixed> $tree
     *
     * @return array<array-key, mixed>
     */
    private static function files(array $tree): array
    {
        $files = [];
        foreach ($tree as $key => $leaf) {
            if (\is_array($leaf)) {
                $files[$key] = self::files($leaf);
            } elseif ($leaf instanceof UploadedFile) {
                // Test mode, because is_uploaded_file() knows only uploads that PHP itself has read.
                $files[$key] = $leaf->error === \UPLOAD_ERR_NO_FILE ? null
                    : new SymfonyUploadedFile($leaf->path, $leaf->fullPath, $leaf->mediaType, $leaf->error, true);
            }
        }

        return $files;
    }
}
