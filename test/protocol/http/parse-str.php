<?php
// Reads a JSON list of queries, base64 each, from standard input and writes what parse_str makes of them: a JSON list of
// PHP values as [type, ...] trees, so that order, key types and bytes can be compared.

declare(strict_types=1);

function shape(mixed $value): mixed
{
    if (!is_array($value)) {
        return base64_encode($value);
    }
    $pairs = [];
    foreach ($value as $key => $item) {
        $pairs[] = [is_int($key) ? 'int' : 'str', base64_encode((string) $key), shape($item)];
    }

    return $pairs;
}

error_reporting(0);
$command = $argv[1];
$results = [];
foreach (json_decode(stream_get_contents(STDIN), true) as $input) {
    $text = base64_decode($input);
    if ($command === 'parse_str') {
        parse_str($text, $value);
    } else {
        $value = json_decode($text === '' ? '[]' : $text, true);
    }
    $results[] = shape($value);
}
echo json_encode($results);
