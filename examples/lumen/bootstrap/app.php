<?php

// Builds the Lumen application: its log, its error handler and its routes.

declare(strict_types=1);

use App\ExceptionHandler;
use Illuminate\Contracts\Debug\ExceptionHandler as ExceptionHandlerContract;
use Laravel\Lumen\Application;

$app = new Application(dirname(__DIR__));
// The application reports everything when it starts; Laravel 8 is older than the deprecations of today's PHP.
error_reporting(\E_ALL & ~\E_DEPRECATED & ~\E_USER_DEPRECATED);

$app->singleton(ExceptionHandlerContract::class, ExceptionHandler::class);
$app->configure('logging');

// Lumen binds these closures to an object of its own, so they are not static.
$app->router->get('/', function () use ($app): string {
    return $app->version();
});

$app->router->get('/hello/{name}', function (string $name): array {
    return ['hello' => $name];
});

return $app;
