<?php
// The scenarios on RoadRunner's own packages, unmodified: `php worker.php json` or `php worker.php proto`.

declare(strict_types=1);

namespace Fixture;

use Nyholm\Psr7\Factory\Psr17Factory;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Message\UploadedFileInterface;
use Spiral\RoadRunner\Http\PSR7Worker;
use Spiral\RoadRunner\Worker;

require __DIR__ . '/' . \basename($argv[1] ?? 'json') . '/vendor/autoload.php';
require __DIR__ . '/../fixtures/php/lib/scenario.php';
require __DIR__ . '/../fixtures/php/lib/scenarios.php';

final class SdkReply implements ScenarioReply
{
    public function __construct(private readonly PSR7Worker $worker)
    {
    }

    public function respond(int $status, string $body = '', array $headers = []): void
    {
        $this->worker->getHttpWorker()->respond($status, $body, $headers);
    }

    public function stream(int $status, \Generator $chunks, array $headers = []): void
    {
        $this->worker->getHttpWorker()->respond($status, $chunks, $headers);
    }

    public function inform(int $status, array $headers = []): void
    {
        $this->worker->getHttpWorker()->respond($status, '', $headers, false);
    }

    public function error(string $text): void
    {
        $this->worker->getWorker()->error($text);
    }

    public function stop(): void
    {
        $this->worker->getWorker()->stop();
    }
}

/**
 * @param array<array-key, mixed> $files
 *
 * @return array<array-key, mixed>
 */
function upload_tree(array $files): array
{
    return \array_map(static fn (mixed $node) => $node instanceof UploadedFileInterface ? [
        'name' => $node->getClientFilename(),
        'mime' => $node->getClientMediaType(),
        'size' => $node->getSize(),
        'error' => $node->getError(),
        'tmpName' => $node->getError() === \UPLOAD_ERR_OK ? $node->getStream()->getMetadata('uri') : '',
    ] : upload_tree((array) $node), $files);
}

function scenario_request(ServerRequestInterface $request): ScenarioRequest
{
    $server = $request->getServerParams();

    return new ScenarioRequest(
        method: $request->getMethod(),
        uri: $server['REQUEST_URI'],
        protocol: $request->getProtocolVersion(),
        remoteAddress: $server['REMOTE_ADDR'],
        headers: \array_change_key_case($request->getHeaders(), \CASE_LOWER),
        cookies: $request->getCookieParams(),
        body: (string) $request->getBody(),
        form: $request->getAttribute('rr_parsed_body') === true ? (array) $request->getParsedBody() : null,
        uploads: upload_tree($request->getUploadedFiles()),
        server: $server,
        attributes: $request->getAttributes(),
        rawQuery: $request->getUri()->getQuery(),
    );
}

if (($argv[2] ?? '') === 'print-first') {
    echo "printed before the worker speaks\n";
}
$factory = new Psr17Factory();
$worker = new PSR7Worker(Worker::create(), $factory, $factory, $factory);
while (($request = $worker->waitRequest()) !== null) {
    try {
        run_scenario(scenario_request($request), new SdkReply($worker));
    } catch (\Throwable $thrown) {
        $worker->getWorker()->error((string) $thrown);
    }
}
