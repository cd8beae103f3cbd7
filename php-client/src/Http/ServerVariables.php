<?php

declare(strict_types=1);

namespace Rrts\Http;

/**
 * What a web server puts into $_SERVER for one request.
 *
 * @internal
 */
final class ServerVariables
{
    /** Header names are few, but clients can think of any number. */
    private const MAX_KEYS = 256;

    /** @var array<array-key, string> header name to its name in $_SERVER */
    private static array $keys = [];

    /** @return array<string, mixed> */
    public static function of(Request $request): array
    {
        $now = \microtime(true);
        $isSecure = \stripos($request->uri, 'https://') === 0;
        [$host, $port] = self::hostAndPort($request, $isSecure);
        $variables = [
            'REQUEST_TIME' => (int) $now,
            'REQUEST_TIME_FLOAT' => $now,
            'REQUEST_METHOD' => $request->method,
            'REQUEST_URI' => $request->target(),
            'QUERY_STRING' => $request->queryString(),
            'SERVER_PROTOCOL' => 'HTTP/' . ($request->protocolVersion === '2' ? '2.0' : $request->protocolVersion),
            'REMOTE_ADDR' => $request->remoteAddress,
            'SERVER_NAME' => $host,
            'SERVER_PORT' => $port,
            'REQUEST_SCHEME' => $isSecure ? 'https' : 'http',
            'SERVER_SOFTWARE' => 'rrts',
            'GATEWAY_INTERFACE' => 'CGI/1.1',
        ];
        if ($isSecure) {
            $variables['HTTPS'] = 'on';
        }
        foreach ($request->headers as $name => $values) {
            $key = self::$keys[$name] ?? self::key((string) $name);
            if ($key !== '') {
                $variables[$key] = isset($values[1]) ? \implode($key === 'HTTP_COOKIE' ? '; ' : ', ', $values) : $values[0];
            }
        }

        return $variables;
    }

    /** @return array{string, string} */
    private static function hostAndPort(Request $request, bool $isSecure): array
    {
        $start = $isSecure ? 8 : 7;
        $authority = \substr($request->uri, $start, \strcspn($request->uri, '/?#', $start));
        // Not in the middle of an IPv6 address.
        $colon = \strrpos($authority, ':');
        if ($colon === false || \str_ends_with($authority, ']')) {
            return [$authority, $isSecure ? '443' : '80'];
        }

        return [\substr($authority, 0, $colon), \substr($authority, $colon + 1)];
    }

    /** The name in $_SERVER; '' for a header that must not get there. */
    private static function key(string $name): string
    {
        $key = \strtoupper(\strtr($name, '-', '_'));
        $key = match ($key) {
            'CONTENT_TYPE', 'CONTENT_LENGTH' => $key,
            // HTTP_PROXY would set the proxy of HTTP clients that read the environment.
            'PROXY' => '',
            default => 'HTTP_' . $key,
        };
        if (\count(self::$keys) < self::MAX_KEYS) {
            self::$keys[$name] = $key;
        }

        return $key;
    }
}
