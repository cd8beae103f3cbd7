<?php

// Written by `rrts stubs` from ./services/thumbnails.ts. Changes here are lost: change the service and run it again.

declare(strict_types=1);

namespace App\Node;

use Rrts\Exception\RpcException;
use Rrts\Rpc\Rpc;
use Rrts\Rpc\RpcInterface;

/**
 * The service `thumbnails`.
 */
final class Thumbnails
{
    private readonly RpcInterface $rpc;

    /**
     * @param RpcInterface|null $rpc how calls reach rrts; by default as the environment says
     * @param float|null $timeout seconds for each call; by default as rrts says
     */
    public function __construct(?RpcInterface $rpc = null, private readonly ?float $timeout = null)
    {
        $this->rpc = $rpc ?? Rpc::fromEnvironment();
    }

    /**
     * Makes a small image of a large one.
     *
     * @param string $image a JPEG, PNG, WebP, GIF or AVIF file
     * @param int $width in pixels; an image that is smaller keeps its size
     * @param 'webp'|'jpeg'|'png' $format
     *
     * @return array{image: string, width: int, height: int, type: string, madeAt: \DateTimeImmutable}
     *
     * @throws RpcException
     */
    public function create(string $image, int $width, string $format = 'webp'): array
    {
        /** @var array{image: string, width: int, height: int, type: string, madeAt: string} $result */
        $result = $this->rpc->call('thumbnails.create', [
            'image' => $image,
            'width' => $width,
            'format' => $format,
        ], $this->timeout);

        return [...$result, 'madeAt' => new \DateTimeImmutable($result['madeAt'])];
    }
}
