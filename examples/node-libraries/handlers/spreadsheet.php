<?php

// A spreadsheet written by exceljs. $workbook and $sheet live in Node; they are released when PHP drops them.

declare(strict_types=1);

use Rrts\Http\Request;
use Rrts\Http\Response;
use Rrts\Node;

return static function (Request $request): Response {
    $workbook = Node::module('exceljs')->new('Workbook');
    $sheet = $workbook->addWorksheet('Sales');
    $sheet->addRows([
        ['Month', 'Sold', 'Since'],
        ['January', 12, new DateTimeImmutable('2026-01-01')],
        ['February', 30.5, new DateTimeImmutable('2026-02-01')],
    ]);
    $headers = [
        'content-type' => 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
        'content-disposition' => 'attachment; filename="sales.xlsx"',
    ];

    return new Response(200, $headers, $workbook->xlsx->writeBuffer());
};
