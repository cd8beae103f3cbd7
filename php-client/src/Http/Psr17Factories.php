<?php

declare(strict_types=1);

namespace Rrts\Http;

use Psr\Http\Message\ServerRequestFactoryInterface;
use Psr\Http\Message\StreamFactoryInterface;
use Psr\Http\Message\UploadedFileFactoryInterface;
use Rrts\Exception\ConfigurationException;

/** The PSR-17 factories that PSR-7 requests are made with. */
final class Psr17Factories
{
    /** Packages tried in this order: factories for requests, streams and uploaded files. */
    private const KNOWN = [
        'nyholm/psr7' => ['Nyholm\Psr7\Factory\Psr17Factory', 'Nyholm\Psr7\Factory\Psr17Factory', 'Nyholm\Psr7\Factory\Psr17Factory'],
        'guzzlehttp/psr7' => ['GuzzleHttp\Psr7\HttpFactory', 'GuzzleHttp\Psr7\HttpFactory', 'GuzzleHttp\Psr7\HttpFactory'],
        'slim/psr7' => ['Slim\Psr7\Factory\ServerRequestFactory', 'Slim\Psr7\Factory\StreamFactory', 'Slim\Psr7\Factory\UploadedFileFactory'],
        'laminas/laminas-diactoros' => ['Laminas\Diactoros\ServerRequestFactory', 'Laminas\Diactoros\StreamFactory', 'Laminas\Diactoros\UploadedFileFactory'],
    ];

    public function __construct(
        public readonly ServerRequestFactoryInterface $requests,
        public readonly StreamFactoryInterface $streams,
        public readonly UploadedFileFactoryInterface $uploadedFiles,
    ) {}

    /** For packages where one object is every factory. */
    public static function of(ServerRequestFactoryInterface&StreamFactoryInterface&UploadedFileFactoryInterface $factory): self
    {
        return new self($factory, $factory, $factory);
    }

    /**
     * The factories of the first known package that is installed.
     *
     * @throws ConfigurationException when there is none
     */
    public static function detect(): self
    {
        foreach (self::KNOWN as $classes) {
            [$requests, $streams, $uploadedFiles] = \array_map(static fn(string $class): ?object => \class_exists($class) ? new $class() : null, $classes);
            if ($requests instanceof ServerRequestFactoryInterface
                && $streams instanceof StreamFactoryInterface
                && $uploadedFiles instanceof UploadedFileFactoryInterface) {
                return new self($requests, $streams, $uploadedFiles);
            }
        }

        throw new ConfigurationException('A PSR-7 handler needs a PSR-17 package: composer require nyholm/psr7 (found as well: '
            . \implode(', ', \array_slice(\array_keys(self::KNOWN), 1)) . '), or pass Rrts\Http\Psr17Factories to HttpWorker::serve().');
    }
}
