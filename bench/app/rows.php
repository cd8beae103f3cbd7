<?php

// What the JSON case answers with: about 100 KB, made anew for each request, as a list from a database would be.

declare(strict_types=1);

/** @return list<array{id: int, name: string, email: string, price: float, active: bool, text: string}> */
function rows(): array
{
    $rows = [];
    for ($id = 1; $id <= 800; ++$id) {
        $rows[] = [
            'id' => $id,
            'name' => "Customer {$id}",
            'email' => "customer{$id}@example.com",
            'price' => $id * 1.25,
            'active' => $id % 3 === 0,
            'text' => 'A line of text like many others in a table',
        ];
    }

    return $rows;
}
