<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Http;

use PHPUnit\Framework\TestCase;
use Rrts\Http\ErrorPage;

final class ErrorPageTest extends TestCase
{
    public function testHtmlIsEscapedWhateverTheBytes(): void
    {
        $page = ErrorPage::of(new \RuntimeException("<script>\xff'\"", 0, new \LogicException('<i>cause</i>')), true);

        self::assertSame(500, $page->status);
        self::assertIsString($page->body);
        self::assertStringContainsString('&lt;script&gt;', $page->body);
        self::assertStringContainsString('Caused by LogicException: &lt;i&gt;cause&lt;/i&gt; at ', $page->body);
        self::assertStringNotContainsString('<script>', $page->body);
        self::assertStringContainsString(__FILE__, $page->body);
    }

    public function testTextIsPlain(): void
    {
        $page = ErrorPage::of(new \RuntimeException('<b>'), false);

        self::assertSame(['content-type' => 'text/plain; charset=UTF-8'], $page->headers);
        self::assertIsString($page->body);
        self::assertStringContainsString('RuntimeException: <b> at ' . __FILE__, $page->body);
    }
}
