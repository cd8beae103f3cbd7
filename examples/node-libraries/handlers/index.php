<?php

// Links to the other routes.

declare(strict_types=1);

use Rrts\Http\Request;
use Rrts\Http\Response;

return static fn(Request $request): Response => Response::html(
    <<<'HTML'
        <!doctype html>
        <title>Node libraries in PHP</title>
        <h1>Node libraries in PHP</h1>
        <ul>
          <li><a href="/resize?width=160">An image made smaller by sharp</a>
          <li><a href="/markdown">Markdown as HTML by marked</a>
          <li><a href="/thumbnail?width=160">The same image by a typed service</a>
          <li><a href="/spreadsheet">A spreadsheet by exceljs</a>
          <li><a href="/counter">A counter in Redis by ioredis</a>
        </ul>
        HTML,
);
