<?php

declare(strict_types=1);

namespace Rrts\Tests\Symfony;

use PHPUnit\Framework\TestCase;
use Rrts\Tests\Stub\Master;
use Rrts\Tests\Stub\Reply;

/** Starts the front controllers of tests/projects, each of which has its own Composer packages. */
abstract class SymfonyTestCase extends TestCase
{
    /** Sessions and files of the application under test. */
    protected string $folder;

    /** Its compiled container, which all tests of a class share. */
    private static string $cache;

    public static function setUpBeforeClass(): void
    {
        self::$cache = \sys_get_temp_dir() . '/rrts-symfony-cache-' . \bin2hex(\random_bytes(6));
        \mkdir(self::$cache, 0o700);
    }

    public static function tearDownAfterClass(): void
    {
        self::remove(self::$cache);
    }

    protected function setUp(): void
    {
        $this->folder = \sys_get_temp_dir() . '/rrts-symfony-' . \bin2hex(\random_bytes(6));
        \mkdir($this->folder . '/sessions', 0o700, true);
    }

    protected function tearDown(): void
    {
        self::remove($this->folder);
    }

    /** @param string $script project and file, such as symfony-6.4/public/index.php */
    protected function start(string $script, bool $debug = false, string $env = 'prod'): Master
    {
        return new Master(self::path($script), $debug, ['-d', "session.save_path={$this->folder}/sessions"], $this->environment($env));
    }

    /** @return array<string, string> */
    protected function environment(string $env = 'prod'): array
    {
        return [
            'APP_RUNTIME' => \Rrts\Runtime\Runtime::class,
            'APP_ENV' => $env,
            'APP_DEBUG' => $env === 'dev' ? '1' : '0',
            'RRTS_TEST_DIR' => $this->folder,
            'RRTS_TEST_CACHE' => self::$cache,
        ];
    }

    protected static function path(string $script): string
    {
        $path = __DIR__ . '/../projects/' . $script;
        if (!\is_file(\dirname($path, 2) . '/vendor/autoload_runtime.php')) {
            self::fail('Run first: composer install -d ' . \dirname($path, 2));
        }

        return $path;
    }

    /** @return array<array-key, mixed> */
    protected static function json(Reply $reply): array
    {
        $data = \json_decode($reply->body(), true);
        self::assertIsArray($data, $reply->error ?? $reply->body());

        return $data;
    }

    /** The name=value of the only cookie that a reply sets. */
    protected static function cookie(Reply $reply): string
    {
        return \explode(';', $reply->header('set-cookie'))[0];
    }

    private static function remove(string $folder): void
    {
        $files = new \RecursiveIteratorIterator(new \RecursiveDirectoryIterator($folder, \FilesystemIterator::SKIP_DOTS), \RecursiveIteratorIterator::CHILD_FIRST);
        foreach ($files as $file) {
            self::assertInstanceOf(\SplFileInfo::class, $file);
            $file->isDir() ? \rmdir($file->getPathname()) : \unlink($file->getPathname());
        }
        \rmdir($folder);
    }
}
