<?php

declare(strict_types=1);

namespace Rrts\Http;

use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Server\RequestHandlerInterface;
use Rrts\Exception\ConfigurationException;

/**
 * Decides once what a handler wants to be called with.
 *
 * @internal
 */
final class HandlerResolver
{
    /**
     * @param Psr17Factories|null $factories looked for when the handler needs them
     *
     * @return \Closure(Request): mixed
     *
     * @throws ConfigurationException when PSR-17 factories are needed and missing
     */
    public static function resolve(callable|RequestHandlerInterface $handler, ?Psr17Factories $factories): \Closure
    {
        if ($handler instanceof RequestHandlerInterface) {
            $handler = $handler->handle(...);
        } else {
            $handler = $handler(...);
            if (!self::wantsPsr(new \ReflectionFunction($handler))) {
                return $handler;
            }
        }
        $mapper = new PsrRequestMapper($factories ?? Psr17Factories::detect());

        return static function (Request $request) use ($handler, $mapper): mixed {
            try {
                $message = $mapper->map($request);
            } catch (\InvalidArgumentException) {
                return Response::text("Bad Request\n", 400);
            }

            return $handler($message);
        };
    }

    private static function wantsPsr(\ReflectionFunction $function): bool
    {
        $type = ($function->getParameters()[0] ?? null)?->getType();
        $names = \array_map(
            static fn(\ReflectionType $part): string => $part instanceof \ReflectionNamedType ? $part->getName() : '',
            $type instanceof \ReflectionUnionType ? $type->getTypes() : \array_filter([$type]),
        );
        if (\in_array(Request::class, $names, true)) {
            return false;
        }
        foreach ($names as $name) {
            // ServerRequestInterface, what it extends, and what implements it; "object" and "mixed" get the lean request.
            if (\interface_exists($name) ? \is_a(ServerRequestInterface::class, $name, true) || \is_a($name, ServerRequestInterface::class, true) : \is_a($name, ServerRequestInterface::class, true)) {
                return true;
            }
        }

        return false;
    }
}
