<?php

declare(strict_types=1);

namespace Rrts\Tests\Contract;

use Rrts\Relay\StreamRelay;

/** Two real pipes, as stdin and stdout are under a shell. */
final class PipeRelayTest extends RelayContractTestCase
{
    protected function connect(): array
    {
        [$workerInput, $masterOutput] = self::pipe();
        [$masterInput, $workerOutput] = self::pipe();

        return [new StreamRelay($workerInput, $workerOutput), $masterInput, $masterOutput];
    }

    /** @return array{resource, resource} the end to read from and the end to write to */
    private static function pipe(): array
    {
        $path = \tempnam(\sys_get_temp_dir(), 'rrts-pipe-');
        self::assertIsString($path);
        \unlink($path);
        \posix_mkfifo($path, 0o600);
        // A reader that opens alone would wait for a writer; one that may also write does not.
        $both = \fopen($path, 'r+b');
        $input = \fopen($path, 'rb');
        $output = \fopen($path, 'wb');
        self::assertNotFalse($both);
        self::assertNotFalse($input);
        self::assertNotFalse($output);
        $ends = [self::reopen($path, 'rb'), self::reopen($path, 'wb')];
        \array_map(\fclose(...), [$both, $input, $output]);
        \unlink($path);

        return $ends;
    }

    /** @return resource the descriptor of this process on the pipe that is for reading or for writing alone */
    private static function reopen(string $path, string $mode)
    {
        foreach (\scandir('/proc/self/fd') as $number) {
            if (@\readlink("/proc/self/fd/{$number}") !== $path) {
                continue;
            }
            $flags = (string) \file_get_contents("/proc/self/fdinfo/{$number}");
            if (\preg_match($mode === 'rb' ? '/^flags:.*0$/m' : '/^flags:.*1$/m', $flags) === 1) {
                $stream = \fopen("php://fd/{$number}", $mode);
                self::assertNotFalse($stream);

                return $stream;
            }
        }
        self::fail("No descriptor for {$path}.");
    }

    public function testRefusesAFileOpenedByItsPath(): void
    {
        $file = \fopen(__FILE__, 'rb');
        self::assertNotFalse($file);

        $this->expectException(\InvalidArgumentException::class);
        new StreamRelay($file, $file);
    }
}
