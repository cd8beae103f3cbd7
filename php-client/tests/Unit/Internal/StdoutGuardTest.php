<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Internal;

use PHPUnit\Framework\TestCase;

/** In a process of its own, because PHPUnit buffers output too. */
final class StdoutGuardTest extends TestCase
{
    public function testOutputGoesToStderrAtOnceWhateverTheCodeDoesToBuffers(): void
    {
        [$stdout, $stderr] = self::execute(<<<'PHP'
            $guard = new Rrts\Internal\StdoutGuard();
            echo "one\n";
            fwrite(STDERR, "two\n");
            ob_start();
            echo "three\n";
            $guard->restore();
            fwrite(STDERR, "level " . ob_get_level() . "\n");
            while (ob_get_level() > 0) { ob_end_clean(); }
            $guard->restore();
            echo "four\n";
            ob_start(null, 0, 0);
            $guard->restore();
            echo "five\n";
            PHP);

        self::assertSame('', $stdout);
        self::assertSame("one\ntwo\nthree\nlevel 1\nfour\nfive\n", $stderr);
    }

    public function testABufferOpenedBeforeStaysBelow(): void
    {
        [$stdout, $stderr] = self::execute(<<<'PHP'
            ob_start();
            echo "before\n";
            $guard = new Rrts\Internal\StdoutGuard();
            echo "guarded\n";
            $guard->restore();
            PHP);

        self::assertSame(["before\n", "guarded\n"], [$stdout, $stderr]);
    }

    /** @return array{string, string} */
    private static function execute(string $code): array
    {
        $autoload = \var_export(\dirname(__DIR__, 3) . '/vendor/autoload.php', true);
        $process = \proc_open([\PHP_BINARY, '-r', "require {$autoload};\n{$code}"], [1 => ['pipe', 'w'], 2 => ['pipe', 'w']], $pipes);
        self::assertNotFalse($process);
        $output = [(string) \stream_get_contents($pipes[1]), (string) \stream_get_contents($pipes[2])];
        self::assertSame(0, \proc_close($process), $output[1]);

        return $output;
    }
}
