<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Http;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Rrts\Http\PhpVariables;
use Rrts\Http\UploadedFile;

final class PhpVariablesTest extends TestCase
{
    /** @param array<array-key, mixed> $expected */
    #[TestWith(['', []])]
    #[TestWith(['a=1&a=2', ['a' => '2']])]
    #[TestWith(['a[]=1&a[]=2', ['a' => ['1', '2']]])]
    #[TestWith(['a[b][c]=1', ['a' => ['b' => ['c' => '1']]]])]
    #[TestWith(['a.b c=1', ['a_b_c' => '1']])]
    #[TestWith(['a=0&b=', ['a' => '0', 'b' => '']])]
    #[TestWith(['a=%00%FF+x', ['a' => "\0\xff x"]])]
    #[TestWith(['5=five', [5 => 'five']])]
    public function testParsesAsPhpDoes(string $encoded, array $expected): void
    {
        self::assertSame($expected, PhpVariables::parse($encoded));
    }

    public function testTooManyVariablesAreCutOffWithoutAWarning(): void
    {
        $limit = (int) \ini_get('max_input_vars');

        self::assertCount($limit, PhpVariables::parse(\http_build_query(\range(0, $limit))));
    }

    /** @param array<array-key, mixed> $expected */
    #[TestWith(['', []])]
    #[TestWith(['a=1; b=2;c=3', ['a' => '1', 'b' => '2', 'c' => '3']])]
    #[TestWith(['a=1; a=2', ['a' => '1']])]
    #[TestWith(['a=x%20y+z', ['a' => 'x y+z']])]
    #[TestWith(['a=b=c', ['a' => 'b=c']])]
    #[TestWith(['a; =x; b=', ['a' => '', 'b' => '']])]
    #[TestWith(['a.b=1; c[d]=2', ['a_b' => '1', 'c' => ['d' => '2']]])]
    #[TestWith(['a%41=1', ['a%41' => '1']])]
    #[TestWith(['__Host-a=1', ['__Host-a' => '1']])]
    #[TestWith(['..Host-a=1; __Host-a=2', ['__Host-a' => '2']])]
    #[TestWith(['.[Secure-a=1', []])]
    #[TestWith(["a=caf\xe9", ['a' => "caf\xe9"]])]
    public function testCookies(string $header, array $expected): void
    {
        self::assertSame($expected, PhpVariables::cookies($header));
    }

    /**
     * @param list<string> $fields
     * @param array<array-key, mixed> $expected
     */
    #[DataProvider('fieldNames')]
    public function testUploadsAreNestedByTheirFieldNames(array $fields, array $expected): void
    {
        $uploads = [];
        foreach ($fields as $index => $field) {
            $uploads[] = [$field, new UploadedFile("{$index}.txt", "{$index}.txt", 'text/plain', 1, 0, '/tmp/x')];
        }
        $tree = PhpVariables::files($uploads);
        \array_walk_recursive($tree, static function (mixed &$file): void {
            $file = $file instanceof UploadedFile ? $file->name : $file;
        });

        self::assertSame($expected, $tree);
    }

    /** @return iterable<string, array{list<string>, array<array-key, mixed>}> */
    public static function fieldNames(): iterable
    {
        yield 'plain' => [['a', 'b'], ['a' => '0.txt', 'b' => '1.txt']];
        yield 'list' => [['a[]', 'a[]'], ['a' => ['0.txt', '1.txt']]];
        yield 'nested' => [['a[x][]', 'a[y][z]'], ['a' => ['x' => ['0.txt'], 'y' => ['z' => '1.txt']]]];
        yield 'same name' => [['a', 'a'], ['a' => '1.txt']];
        yield 'mangled' => [['a.b c'], ['a_b_c' => '0.txt']];
        yield 'signs that would separate' => [['a&b=c'], ['a&b=c' => '0.txt']];
        yield 'brackets that do not match' => [['a[', 'a]', 'a[b]c', 'b[[x]', 'a[]]', '', 'ok'], ['ok' => '6.txt']];
    }
}
