// rrts lambda with a Runtime API of our own and real PHP workers: events of every HTTP source, streaming, warm-up, logs, stop.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getEvent, resultOf, startLambdaApp } from '../helpers/lambda-app.ts';
import { lambdaEvent } from '../helpers/lambda-runtime.ts';
import { eventually } from '../helpers/wait-for.ts';

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

const shownIn = (answer: HttpAnswer): Shown => JSON.parse(answer.body);

test('HTTP events of every source reach PHP as requests, and their answers go back in the same style', async (t) => {
  const { runtime, process } = await startLambdaApp(t);

  await t.test('API Gateway, REST', async () => {
    const answer = resultOf<HttpAnswer>(await runtime.invoke(lambdaEvent('api-v1'), { traceId: 'Root=1-abc' }));
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
    const answer = resultOf<HttpAnswer>(await runtime.invoke(lambdaEvent('api-v2')));
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
    const shown = shownIn(resultOf<HttpAnswer>(await runtime.invoke(lambdaEvent('function-url'))));
    assert.equal(shown.uri, 'https://xyz.lambda-url.eu-central-1.on.aws/');
    assert.equal(shown.server['REMOTE_ADDR'], '2001:db8::1');
  });

  await t.test('load balancer, with one value for each header and with many', async () => {
    const answer = resultOf<HttpAnswer>(await runtime.invoke(lambdaEvent('alb')));
    const shown = shownIn(answer);
    assert.equal(shown.uri, 'http://lb.example.test/lambda%20path?query=1234ABCD&a%5B%5D=x%26y');
    assert.deepEqual([shown.server['REMOTE_ADDR'], shown.server['HTTPS']], ['72.12.164.125', undefined]);
    assert.equal(answer.statusDescription, '200 OK');
    assert.deepEqual([answer.headers?.['set-cookie'], answer.headers?.['Set-cookie']], ['a=1; Path=/', 'b=2']);
    const multi = resultOf<HttpAnswer>(await runtime.invoke(lambdaEvent('alb-multi')));
    assert.deepEqual(shownIn(multi).form, { field: 'value' });
    assert.equal(shownIn(multi).server['HTTPS'], 'on');
    assert.deepEqual(multi.multiValueHeaders?.['set-cookie'], ['a=1; Path=/', 'b=2']);
    assert.equal(multi.headers, undefined);
  });

  await t.test('uploads, binary, empty and refused', async () => {
    const form = '--b\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n\x00\xff\r\n--b--\r\n';
    const upload: Record<string, unknown> = {
      ...getEvent('/'),
      headers: { host: 'a.test', 'content-type': 'multipart/form-data; boundary=b' },
      body: Buffer.from(form, 'latin1').toString('base64'),
      isBase64Encoded: true,
    };
    upload['requestContext'] = {
      ...(lambdaEvent('function-url')['requestContext'] as object),
      http: { method: 'POST', path: '/', sourceIp: '198.51.100.1' },
    };
    assert.deepEqual(shownIn(resultOf<HttpAnswer>(await runtime.invoke(upload))).files, ['f']);
    const binary = resultOf<HttpAnswer>(await runtime.invoke(getEvent('/binary')));
    assert.equal(binary.isBase64Encoded, true);
    assert.equal(Buffer.from(binary.body, 'base64').toString('hex'), '89504e470d0a1a0aff');
    const empty = resultOf<HttpAnswer>(await runtime.invoke(getEvent('/empty')));
    assert.deepEqual([empty.statusCode, empty.body, empty.isBase64Encoded], [204, '', false]);
    assert.equal(resultOf<HttpAnswer>(await runtime.invoke(getEvent('/gone'))).statusCode, 410);
    const spoofed = { ...getEvent('/'), headers: { host: 'a.test', 'RRTS-Relayed': 'e30=', 'x-bad': 'a\r\nb: c' } };
    const shown = shownIn(resultOf<HttpAnswer>(await runtime.invoke(spoofed)));
    assert.equal(shown.server['REMOTE_ADDR'], '2001:db8::1');
    assert.deepEqual([shown.headers['x-bad'], shown.headers['b']], [undefined, undefined]);
    assert.equal(
      resultOf<HttpAnswer>(await runtime.invoke({ ...getEvent('/'), headers: { host: 'a b' } })).statusCode,
      400,
    );
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
    assert.equal(resultOf<HttpAnswer>(await runtime.invoke(getEvent('/pid'))).statusCode, 200);
  });

  await t.test('lines of the log name the event', async () => {
    await runtime.invoke(getEvent('/log'));
    const line = await process.waitForLog((record) => record.text.includes('a line of the application'), 'of PHP');
    assert.match(String(line.facts['requestId']), /^[0-9a-f-]{36}$/);
  });

  assert.deepEqual(runtime.unexpected, []);
  await process.stop();
});

test('one worker serves one event after the other, and a stop lets the event that runs finish', async (t) => {
  const { runtime, process } = await startLambdaApp(t);
  const pids = new Set<string>();
  for (let count = 0; count < 20; count++) pids.add(resultOf<HttpAnswer>(await runtime.invoke(getEvent('/pid'))).body);
  assert.equal(pids.size, 1);
  const slow = runtime.invoke(getEvent('/sleep', 'ms=800'));
  await process.waitForLog((record) => record.text.includes('rrts takes events'), 'that it is ready');
  await eventually(() => runtime.running === 1, 'an event that runs');
  process.child.kill('SIGTERM');
  assert.equal(resultOf<HttpAnswer>(await slow).body, 'slept');
  await process.stop();
});

test('responses are streamed when the configuration says so', async (t) => {
  const { runtime, process } = await startLambdaApp(t, { lambda: { streaming: true } });
  const answered = await runtime.invoke(getEvent('/stream'));
  assert.ok(answered.streamed);
  assert.equal(answered.headers['content-type'], 'application/vnd.awslambda.http-integration-response');
  const end = answered.body.indexOf(Buffer.alloc(8));
  const prelude = JSON.parse(answered.body.subarray(0, end).toString());
  assert.deepEqual([prelude.statusCode, prelude.cookies], [200, ['s=1']]);
  assert.equal(answered.body.subarray(end + 8).toString(), 'first second');
  assert.ok(answered.endedAt - answered.firstByteAt > 200, 'the first bytes came while PHP still wrote');
  const broken = await runtime.invoke(getEvent('/stream-broken'));
  assert.equal(broken.trailers['lambda-runtime-function-error-type'], 'ERR_WORKER_CUT');
  const error = Buffer.from(broken.trailers['lambda-runtime-function-error-body'] ?? '', 'base64').toString();
  assert.equal(JSON.parse(error).errorType, 'ERR_WORKER_CUT');
  const large = await runtime.invoke(getEvent('/big', 'bytes=20000000'));
  assert.ok(large.body.length > 20_000_000);
  await process.stop();
});
