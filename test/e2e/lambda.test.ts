// rrts lambda with a Runtime API of our own and real PHP workers: events of every HTTP source, streaming, warm-up, logs, stop.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Answered, type LambdaRuntime, lambdaEvent, startLambda } from '../helpers/lambda-runtime.ts';
import { fixture } from '../helpers/paths.ts';
import type { ConfigTree, ServerProcess } from '../helpers/start-server.ts';

interface Shown {
  readonly method: string;
  readonly uri: string;
  readonly headers: Record<string, string[]>;
  readonly cookies: Record<string, string>;
  readonly form: unknown;
  readonly files: readonly string[];
  readonly body: string;
  readonly attributes: Record<string, string>;
  readonly server: Record<string, string>;
}

interface HttpAnswer {
  readonly statusCode: number;
  readonly statusDescription?: string;
  readonly headers?: Record<string, string>;
  readonly multiValueHeaders?: Record<string, string[]>;
  readonly cookies?: readonly string[];
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

const CONFIG: ConfigTree = {
  server: { command: ['php', fixture('native/lambda.php')] },
  http: { address: '127.0.0.1:1', pool: { allocate_timeout: '10s' } },
};

async function start(t: TestContext, config: ConfigTree = {}): Promise<{ runtime: LambdaRuntime; process: ServerProcess }> {
  const started = await startLambda({ ...CONFIG, ...config });
  t.after(async () => {
    await started.runtime.stop();
    await started.process.discard();
  });
  return started;
}

function answerOf(answered: Answered): HttpAnswer {
  assert.equal(answered.kind, 'response', answered.body.toString());
  return JSON.parse(answered.body.toString());
}

const shownIn = (answer: HttpAnswer): Shown => JSON.parse(answer.body);

function url(path: string, query = ''): Record<string, unknown> {
  return { ...lambdaEvent('function-url'), rawPath: path, rawQueryString: query };
}

test('HTTP events of every source reach PHP as requests, and their answers go back in the same style', async (t) => {
  const { runtime, process } = await start(t);

  await t.test('API Gateway, REST', async () => {
    const answer = answerOf(await runtime.invoke(lambdaEvent('api-v1'), { traceId: 'Root=1-abc' }));
    const shown = shownIn(answer);
    assert.equal(shown.method, 'POST');
    assert.equal(
      shown.uri,
      'https://abc123.execute-api.eu-central-1.amazonaws.com/shop/b%C3%BCcher?id=1&id=2&filter%5Bname%5D=a%20%26%20b',
    );
    assert.deepEqual(shown.form, { name: 'Ann', tags: ['x', 'y'] });
    assert.deepEqual(shown.cookies, { a: '1', b: ' two' });
    assert.deepEqual(shown.headers['x-twice'], ['first', 'second']);
    assert.deepEqual([shown.server['REMOTE_ADDR'], shown.server['HTTPS']], ['203.0.113.7', 'on']);
    const context = JSON.parse(shown.attributes['LAMBDA_REQUEST_CONTEXT'] ?? '');
    assert.equal(context.authorizer.principalId, 'user-1');
    const invocation = JSON.parse(shown.attributes['LAMBDA_INVOCATION_CONTEXT'] ?? '');
    assert.match(invocation.invokedFunctionArn, /function:test$/);
    assert.equal(shown.attributes['_X_AMZN_TRACE_ID'], 'Root=1-abc');
    assert.deepEqual(answer.multiValueHeaders?.['set-cookie'], ['a=1; Path=/', 'b=2']);
    assert.deepEqual(answer.multiValueHeaders?.['x-two'], ['one', 'two']);
    assert.equal(shown.headers['rrts-relayed'], undefined);
  });

  await t.test('API Gateway, HTTP', async () => {
    const answer = answerOf(await runtime.invoke(lambdaEvent('api-v2')));
    const shown = shownIn(answer);
    assert.equal(shown.uri, 'https://api.example.test/path/with%20space?p=1&p=2&list[]=a&list[]=b%26c');
    assert.deepEqual(shown.cookies, { one: '1', two: 'a=b' });
    assert.equal(Buffer.from(shown.body, 'base64').toString(), '{"name":"\u0101"}');
    assert.deepEqual(shown.headers['content-length'], ['13']);
    assert.deepEqual(answer.cookies, ['a=1; Path=/', 'b=2']);
    assert.equal(answer.headers?.['x-two'], 'one, two');
    assert.equal(answer.headers?.['set-cookie'], undefined);
  });

  await t.test('function URL', async () => {
    const shown = shownIn(answerOf(await runtime.invoke(lambdaEvent('function-url'))));
    assert.equal(shown.uri, 'https://xyz.lambda-url.eu-central-1.on.aws/');
    assert.equal(shown.server['REMOTE_ADDR'], '2001:db8::1');
  });

  await t.test('load balancer, with one value for each header and with many', async () => {
    const answer = answerOf(await runtime.invoke(lambdaEvent('alb')));
    const shown = shownIn(answer);
    assert.equal(shown.uri, 'http://lb.example.test/lambda%20path?query=1234ABCD&a%5B%5D=x%26y');
    assert.deepEqual([shown.server['REMOTE_ADDR'], shown.server['HTTPS']], ['72.12.164.125', undefined]);
    assert.equal(answer.statusDescription, '200 OK');
    assert.deepEqual([answer.headers?.['set-cookie'], answer.headers?.['Set-cookie']], ['a=1; Path=/', 'b=2']);
    const multi = answerOf(await runtime.invoke(lambdaEvent('alb-multi')));
    assert.deepEqual(shownIn(multi).form, { field: 'value' });
    assert.equal(shownIn(multi).server['HTTPS'], 'on');
    assert.deepEqual(multi.multiValueHeaders?.['set-cookie'], ['a=1; Path=/', 'b=2']);
    assert.equal(multi.headers, undefined);
  });

  await t.test('uploads, binary, empty and refused', async () => {
    const form = '--b\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n\x00\xff\r\n--b--\r\n';
    const upload = {
      ...url('/'),
      headers: { host: 'a.test', 'content-type': 'multipart/form-data; boundary=b' },
      body: Buffer.from(form, 'latin1').toString('base64'),
      isBase64Encoded: true,
    };
    (upload as { requestContext: unknown }).requestContext = {
      ...(lambdaEvent('function-url')['requestContext'] as object),
      http: { method: 'POST', path: '/', sourceIp: '198.51.100.1' },
    };
    assert.deepEqual(shownIn(answerOf(await runtime.invoke(upload))).files, ['f']);
    const binary = answerOf(await runtime.invoke(url('/binary')));
    assert.equal(binary.isBase64Encoded, true);
    assert.equal(Buffer.from(binary.body, 'base64').toString('hex'), '89504e470d0a1a0aff');
    const empty = answerOf(await runtime.invoke(url('/empty')));
    assert.deepEqual([empty.statusCode, empty.body, empty.isBase64Encoded], [204, '', false]);
    assert.equal(answerOf(await runtime.invoke(url('/gone'))).statusCode, 410);
    const spoofed = { ...url('/'), headers: { host: 'a.test', 'RRTS-Relayed': 'e30=', 'x-bad': 'a\r\nb: c' } };
    const shown = shownIn(answerOf(await runtime.invoke(spoofed)));
    assert.equal(shown.server['REMOTE_ADDR'], '2001:db8::1');
    assert.deepEqual([shown.headers['x-bad'], shown.headers['b']], [undefined, undefined]);
    assert.equal(answerOf(await runtime.invoke({ ...url('/'), headers: { host: 'a b' } })).statusCode, 400);
  });

  await t.test('warm-up events, and events that nothing can run', async () => {
    assert.equal((await runtime.invoke({ warmer: true })).body.toString(), 'null');
    const unknown = await runtime.invoke({ what: 'is this' });
    assert.equal(unknown.kind, 'error');
    const { errorType, errorMessage } = JSON.parse(unknown.body.toString());
    assert.equal(errorType, 'ERR_LAMBDA_EVENT');
    assert.match(errorMessage, /no jobs: section/);
    const nonsense = await runtime.invoke(Buffer.from('not json'));
    assert.equal(JSON.parse(nonsense.body.toString()).errorType, 'ERR_LAMBDA_EVENT');
    assert.equal(answerOf(await runtime.invoke(url('/pid'))).statusCode, 200);
  });

  await t.test('lines of the log name the event', async () => {
    await runtime.invoke(url('/log'));
    const line = await process.waitForLog((record) => record.text.includes('a line of the application'), 'of PHP');
    assert.match(String(line.facts['requestId']), /^[0-9a-f-]{36}$/);
  });

  assert.deepEqual(runtime.unexpected, []);
  await process.stop();
});

test('one worker serves one event after the other, and a stop lets the event that runs finish', async (t) => {
  const { runtime, process } = await start(t);
  const pids = new Set<string>();
  for (let count = 0; count < 20; count++) pids.add(answerOf(await runtime.invoke(url('/pid'))).body);
  assert.equal(pids.size, 1);
  const slow = runtime.invoke(url('/sleep', 'ms=800'));
  await process.waitForLog((record) => record.text.includes('rrts takes events'), 'that it is ready');
  while (runtime.polled) await new Promise(setImmediate);
  process.child.kill('SIGTERM');
  assert.equal(answerOf(await slow).body, 'slept');
  await process.stop();
});

test('responses are streamed when the configuration says so', async (t) => {
  const { runtime, process } = await start(t, { lambda: { streaming: true } });
  const answered = await runtime.invoke(url('/stream'));
  assert.ok(answered.streamed);
  assert.equal(answered.headers['content-type'], 'application/vnd.awslambda.http-integration-response');
  const end = answered.body.indexOf(Buffer.alloc(8));
  const prelude = JSON.parse(answered.body.subarray(0, end).toString());
  assert.deepEqual([prelude.statusCode, prelude.cookies], [200, ['s=1']]);
  assert.equal(answered.body.subarray(end + 8).toString(), 'first second');
  assert.ok(answered.endedAt - answered.firstByteAt > 200, 'the first bytes came while PHP still wrote');
  const broken = await runtime.invoke(url('/stream-broken'));
  assert.equal(broken.trailers['lambda-runtime-function-error-type'], 'ERR_WORKER_CUT');
  const error = Buffer.from(broken.trailers['lambda-runtime-function-error-body'] ?? '', 'base64').toString();
  assert.equal(JSON.parse(error).errorType, 'ERR_WORKER_CUT');
  const large = await runtime.invoke(url('/big', 'bytes=20000000'));
  assert.ok(large.body.length > 20_000_000);
  await process.stop();
});
