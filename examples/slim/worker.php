<?php

// A Slim 4 application. Slim's App is a PSR-15 request handler, so it is handed to rrts as it is.

declare(strict_types=1);

use Nyholm\Psr7\Factory\Psr17Factory;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use Rrts\Http\HttpWorker;
use Slim\Factory\AppFactory;

require __DIR__ . '/vendor/autoload.php';

$app = AppFactory::create(new Psr17Factory());
$app->addRoutingMiddleware();
$app->addBodyParsingMiddleware();
$app->addErrorMiddleware(displayErrorDetails: false, logErrors: true, logErrorDetails: false);

$app->get('/', static function (ServerRequestInterface $request, ResponseInterface $response): ResponseInterface {
    $response->getBody()->write("Hello from Slim\n");

    return $response->withHeader('Content-Type', 'text/plain; charset=utf-8');
});

$app->get(
    '/hello/{name}',
    static function (ServerRequestInterface $request, ResponseInterface $response, array $arguments): ResponseInterface {
        $response->getBody()->write("Hello {$arguments['name']}\n");

        return $response->withHeader('Content-Type', 'text/plain; charset=utf-8');
    },
);

$app->post('/echo', static function (ServerRequestInterface $request, ResponseInterface $response): ResponseInterface {
    $response->getBody()->write(json_encode($request->getParsedBody(), \JSON_THROW_ON_ERROR));

    return $response->withHeader('Content-Type', 'application/json');
});

HttpWorker::serve($app);
