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
            $name = (string) $name;
            // HTTP_PROXY would set the proxy of HTTP clients that read the environment.
            if ($name === 'proxy') {
                continue;
            }
            $key = \strtoupper(\strtr($name, '-', '_'));
            $key = $key === 'CONTENT_TYPE' || $key === 'CONTENT_LENGTH' ? $key : 'HTTP_' . $key;
            $variables[$key] = isset($values[1]) ? \implode($name === 'cookie' ? '; ' : ', ', $values) : $values[0];
        }

        return $variables;
    }

    /** @return array{string, string} */
    private static function hostAndPort(Request $request, bool $isSecure): array
    {
        $start = $isSecure ? 8 : 7;
        $authority = \substr($request->uri, $start, \strcspn($request->uri, '/?#', $start));
        if (\preg_match('/^(.*?)(?::(\d+))?$/sD', $authority, $match) !== 1) {
            return ['', $isSecure ? '443' : '80'];
        }

        return [$match[1], $match[2] ?? ($isSecure ? '443' : '80')];
    }
}
