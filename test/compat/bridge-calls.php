<?php

// Calls the bridge and a typed service of examples/node-libraries with spiral/goridge, over rpc.listen, in JSON.

declare(strict_types=1);

use Spiral\Goridge\RPC\Exception\ServiceException;
use Spiral\Goridge\RPC\RPC;

[, $project, $address, $image] = $argv;

require __DIR__ . "/{$project}/vendor/autoload.php";

$rpc = RPC::create($address);
$photo = base64_encode((string) file_get_contents($image));
$call = static fn(string $module, string $name, mixed ...$arguments): mixed => $rpc->call(
    'bridge.Call',
    ['module' => $module, 'name' => $name, 'arguments' => $arguments],
);
$failure = static function (string $method, mixed $argument) use ($rpc): string {
    try {
        return 'no failure: ' . json_encode($rpc->call($method, $argument));
    } catch (ServiceException $exception) {
        return $exception->getMessage();
    }
};

$sharp = $call('sharp', '', ['$rrts' => 'bytes', 'value' => $photo]);
$small = $rpc->call('bridge.CallObject', ['id' => $sharp['id'], 'name' => 'resize', 'arguments' => [64]]);
$webp = $rpc->call('bridge.CallObject', ['id' => $small['id'], 'name' => 'webp', 'arguments' => []]);

echo json_encode([
    'html' => $call('marked', 'parse', '# ä'),
    'webp' => $rpc->call('bridge.CallObject', ['id' => $webp['id'], 'name' => 'toBuffer', 'arguments' => []])['value'],
    'released' => $rpc->call('bridge.Release', ['ids' => [$sharp['id'], $small['id'], $webp['id']]]),
    'thumbnail' => $rpc->call('thumbnails.create', ['image' => $photo, 'width' => 48, 'format' => 'png']),
    'argument' => $failure('thumbnails.create', ['image' => $photo, 'width' => 0]),
    'denied' => $failure('bridge.Call', ['module' => 'sharp', 'name' => 'cache', 'arguments' => [false]]),
    'visits' => array_map(static fn(): mixed => $call('redis', 'increment', 'visits'), [1, 2, 3]),
], JSON_THROW_ON_ERROR);
