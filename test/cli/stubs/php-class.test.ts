// The classes of `rrts stubs`: what PHP, PHPStan and php-cs-fixer say of a rich one, and what no class can be made of.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { phpClass } from '../../../src/cli/stubs/php-class.ts';
import { classNameOf, parameterNameOf } from '../../../src/cli/stubs/php-names.ts';
import { UntypableError } from '../../../src/cli/stubs/php-type.ts';
import { defineService, type Service, z } from '../../../src/index.ts';
import { ROOT } from '../../helpers/paths.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { RICH } from './rich-service.ts';

const run = promisify(execFile);
const CLIENT = join(ROOT, 'php-client');
const TOOL_MS = 120_000;

function stub({ methods }: Service, service = 'image-tools'): string {
  return phpClass({ service, file: './image-tools.ts', methods, namespace: 'App\\Node' });
}

/** Runs a PHP tool of the client; what it printed is the message when it ends with anything but 0. */
async function tool(words: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run('php', words, { cwd: CLIENT, timeout: TOOL_MS });
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new assert.AssertionError({ message: `${words.join(' ')}\n${stdout}\n${stderr}` });
  }
}

test('a rich class passes php -l, PHPStan at level max with strict rules, and php-cs-fixer', async (t) => {
  const dir = makeTempDir('stubs');
  t.after(() => dir.remove());
  mkdirSync(dir.file('src'));
  const file = dir.file('src/ImageTools.php');
  const text = stub(RICH);
  writeFileSync(file, text);
  const settings = {
    includes: [join(CLIENT, 'vendor/phpstan/phpstan-strict-rules/rules.neon')],
    parameters: {
      level: 'max',
      phpVersion: { min: 80100, max: 80500 },
      paths: [dir.file('src')],
      scanDirectories: [join(CLIENT, 'src')],
      treatPhpDocTypesAsCertain: false,
      tmpDir: dir.file('cache'),
    },
  };
  // NEON reads JSON.
  writeFileSync(dir.file('phpstan.neon'), JSON.stringify(settings));
  const style = ['--config=.php-cs-fixer.dist.php', '--path-mode=override', '--using-cache=no', '--dry-run', '--diff'];
  await tool(['-l', file]);
  await Promise.all([
    tool(['vendor/bin/php-cs-fixer', 'fix', ...style, file]),
    tool(['vendor/bin/phpstan', 'analyse', '-c', dir.file('phpstan.neon'), '--no-progress', '--memory-limit=1G']),
  ]);
  t.diagnostic(`${text.split('\n').length} lines of PHP for ${Object.keys(RICH.methods).length} methods`);
});

/** Calls methods of the class with an RPC that repeats what it got, and prints both sides. */
const DRIVER = `<?php
declare(strict_types=1);
require '${CLIENT}/vendor/autoload.php';
require __DIR__ . '/src/ImageTools.php';
final class Recorder implements Rrts\\Rpc\\RpcInterface
{
    public mixed $argument = null;
    public function __construct(public mixed $result = null) {}
    public function call(string $method, mixed $argument = null, ?float $timeout = null): mixed
    {
        $this->argument = $argument;
        return $this->result;
    }
    public function start(string $method, mixed $argument = null, ?float $timeout = null): Rrts\\Rpc\\PendingCall
    {
        throw new LogicException();
    }
    public function notify(string $method, mixed $argument = null): void {}
}
$at = new DateTimeImmutable('2026-03-04 05:06:07.891234 +01:00');
$rpc = new Recorder(['range' => ['from' => '2026-01-02T03:04:05.678Z'], 'deep' => ['a' => ['2026-01-02T03:04:05.678Z', null]]]);
$dates = (new App\\Node\\ImageTools($rpc))->dates(['from' => $at], ['x' => [$at, null]], [$at]);
$shown = [$rpc->argument, $dates['range']['from'] instanceof DateTimeImmutable, isset($dates['range']['until']), $dates['deep']['a'][0]->format('c v'), $dates['deep']['a'][1]];
$tools = new App\\Node\\ImageTools($texts = new Recorder('x'));
$tools->text('a@b.c', 1, 'yes', ' t ', 3, big: 7);
echo json_encode([...$shown, $texts->argument], JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES);
`;

test('dates become text and text becomes dates; what is left out is not sent', async (t) => {
  const dir = makeTempDir('stubs');
  t.after(() => dir.remove());
  mkdirSync(dir.file('src'));
  writeFileSync(dir.file('src/ImageTools.php'), stub(RICH));
  writeFileSync(dir.file('driver.php'), DRIVER);
  const iso = '2026-03-04T05:06:07.891+01:00';
  assert.deepEqual(JSON.parse(await tool([dir.file('driver.php')])), [
    { range: { from: iso }, deep: { x: [iso, null] }, days: [iso] },
    true,
    false,
    '2026-01-02T03:04:05+00:00 678',
    null,
    { email: 'a@b.c', amount: 1, flag: 'yes', trimmed: ' t ', before: 3, big: 7 },
  ]);
});

test('types, order, defaults and texts', () => {
  const text = stub(RICH);
  for (const line of [
    '// Written by `rrts stubs` from ./image-tools.ts.',
    'namespace App\\Node;',
    'final class ImageTools\n{',
    '(at)here\n',
    '     * @param string $image what was uploaded\n     * @param int $width\n',
    '     * @param int $quality 1 to 100\n',
    "     * @param 'jpeg'|'webp'|'it\\'s' $format\n",
    '     * @param array<string, string> $labels\n',
    '     * @param list<array{street: string, post-code: string, since: \\DateTimeInterface}>|null $addresses\n',
    '        string $image,\n        int $width,\n        \\DateTimeInterface $at,\n        int|float|null $ratio,\n        int $quality = 80,\n        ?int $height = null,\n',
    "        string $format = 'webp',\n        ?\\DateTimeInterface $until = null,\n",
    '        array $labels = [],\n        ?string $contentType = null,\n        ?array $addresses = null,\n',
    '        string|int|\\DateTimeInterface|null $result = null,\n        bool $arguments = false,\n    ): array {\n',
    "            'content-type' => $contentType,\n",
    '     *     expires?: \\DateTimeImmutable,\n     *     gone: \\DateTimeImmutable|null,\n',
    '     *     either: string|int,\n',
    '     *     extra?: array{id: int, ...},\n',
    '     * } the image and how it came about\n',
    "        $result_ = $this->rpc->call('image-tools.create', $arguments_, $this->timeout);\n",
    'public function list(): array\n',
    "$this->rpc->call('image-tools.count', null, $this->timeout);",
    'public function when(): \\DateTimeImmutable\n',
    'public function forget(string $input): void\n',
    'public function whole(array $input): mixed\n',
    '     * @return array{name: string, children: list<mixed>}\n',
    '     * @param array{x?: int, y?: int} $some\n',
    "     * @return array{a: int, b: 'x'|1|true|null}\n",
    "     * @param array{kind: 'circle', radius: int|float}|array{kind: 'square', side: int|float} $input\n",
    '?\\DateTimeInterface $when = null',
    'int|float|null $random = null',
  ]) {
    assert.ok(text.includes(line), `${line} in\n${text}`);
  }
  assert.equal(stub(RICH), text, 'the same every time');
});

test('names', () => {
  const classes = ['thumbnails', 'image-tools', 'list', 'String', 'a.b_c', '2fa', 'rpc'].map(classNameOf);
  assert.deepEqual(classes, [
    'Thumbnails',
    'ImageTools',
    'ListService',
    'StringService',
    'ABC',
    'Service2fa',
    'RpcService',
  ]);
  const parameters = ['width', 'content-type', 'this', '2d', '$', 'ä-b'].map(parameterNameOf);
  assert.deepEqual(parameters, ['width', 'contentType', 'this_', '_2d', '_', 'B']);
});

test('what no class can be made of is named', () => {
  const handler = () => assert.fail();
  const refuse = (methods: Service['methods'], text: RegExp) =>
    assert.throws(
      () => stub({ methods } as Service, 's'),
      (error) => error instanceof UntypableError && text.test(error.message),
    );
  const method = (input: z.ZodType, output: z.ZodType = z.void()) => ({ input, output, handler });
  refuse({ a: method(z.object({ b: z.array(z.map(z.string(), z.int())) })) }, /^s\.a input\.b\.\*: a z\.map cannot/);
  refuse({ a: method(z.object({}), z.promise(z.int())) }, /^s\.a output: a z\.promise cannot/);
  refuse({ a: method(z.object({ at: z.instanceof(URL) })) }, /^s\.a input\.at: a value of this class cannot/);
  refuse({ a: method(z.object({ 'x-y': z.int(), xY: z.int() })) }, /second parameter with the name \$xY$/);
  refuse({ get: method(z.object({})), Get: method(z.object({})) }, /^s: get and Get are one method in PHP$/);
  refuse({ __call: method(z.object({})) }, /^s\.__call: PHP keeps methods with __/);
  const open = z.looseObject({ at: z.date().optional() });
  refuse({ a: method(z.object({}), open) }, /^at: a date that may be absent in an object with further keys/);
  assert.doesNotThrow(() => stub(defineService({ a: { input: z.object({}), output: z.any(), handler } }), 's'));
});
