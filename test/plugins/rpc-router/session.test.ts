// One caller of the router: answers, deadlines, limits, and the end of the caller.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { insideOnly } from '../../../src/plugins/rpc-router/inside-only.ts';
import { type CallContext, CallError, type Method } from '../../../src/plugins/rpc-router/method.ts';
import { DEFAULT_LIMITS, type RpcLimits, RpcRouter } from '../../../src/plugins/rpc-router/router.ts';
import { serviceOf } from '../../../src/plugins/rpc-router/services.ts';
import { FrameDecoder } from '../../../src/protocol/decode.ts';
import { encodeFrame } from '../../../src/protocol/encode.ts';
import { FLAG, type Frame } from '../../../src/protocol/frame.ts';
import { decodeMessagePack, encodeMessagePack } from '../../../src/protocol/rpc/message-pack.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { LogCollector } from '../../pool/pool-rig.ts';

/** A caller and what it was sent. */
function caller(
  methods: Record<string, Method>,
  limits: Partial<RpcLimits> = {},
  quietZero = true,
  taken = (sent: () => void): void => sent(),
) {
  const logger = new LogCollector();
  const services = new Map([['it', serviceOf(methods)]]);
  const router = new RpcRouter({ services: () => services, logger, limits: { ...DEFAULT_LIMITS, ...limits } });
  const replies: Frame[] = [];
  const decoder = new FrameDecoder();
  const events: string[] = [];
  const session = router.open({
    name: 'worker 7',
    debug: true,
    quietZero,
    write(frame, sent) {
      decoder.push(frame, (one) => replies.push(one));
      taken(sent);
    },
    full: () => void events.push('full'),
    free: () => void events.push('free'),
  });
  const call = (sequence: number, name: string, argument: unknown, deadlineMs?: number): void => {
    const method = Buffer.from(`it.${name}`);
    const options = deadlineMs === undefined ? [sequence, method.length] : [sequence, method.length, deadlineMs];
    const bytes = encodeFrame(FLAG.MSGPACK, 0, options, method, encodeMessagePack(argument));
    new FrameDecoder().push(bytes, (frame) => session.receive(frame));
  };
  return { router, session, replies, events, logger, call };
}

/** A promise and how to fulfil it. */
function latch<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

function resultOf({ flags, options, payload }: Frame): unknown {
  const value = decodeMessagePack(payload.subarray(options[1]));
  return { error: (flags & FLAG.ERROR) !== 0, value: structuredClone(value) };
}

describe('a session', () => {
  test('answers at once what is known at once, and later what takes time', async () => {
    const waiting = latch<string>();
    const { call, replies, router } = caller({ Now: (x) => ({ got: x }), Later: () => waiting.promise });
    call(1, 'Later', null);
    call(2, 'Now', [1, 'two']);
    assert.equal(replies.length, 1);
    assert.deepEqual(resultOf(replies[0] as Frame), { error: false, value: { got: [1, 'two'] } });
    assert.equal(router.inFlight, 1);
    waiting.resolve('done');
    await eventually(() => replies.length === 2, 'the second answer');
    assert.deepEqual(replies[1]?.options.slice(0, 1), [1]);
    assert.equal(router.inFlight, 0);
  });

  test('tells errors that are meant for it, and no others', async () => {
    const { call, replies, logger } = caller({
      Refuse: () => {
        throw new CallError('not today', 'ERR_RPC_ARGUMENT', { class: 'RangeError' });
      },
      Break: () => Promise.reject(new TypeError('a secret')),
      Odd: () => () => 1,
    });
    call(1, 'Refuse', null);
    call(2, 'Break', null);
    call(3, 'Odd', null);
    call(4, 'Nope', null);
    await eventually(() => replies.length === 4, 'four answers');
    const bySequence = new Map(replies.map((frame) => [frame.options[0], resultOf(frame) as { value: object }]));
    assert.deepEqual(bySequence.get(1)?.value, { message: 'not today', code: 'ERR_RPC_ARGUMENT', class: 'RangeError' });
    const broken = bySequence.get(2)?.value as { message: string; code: string; stack: string };
    assert.deepEqual([broken.message, broken.code], ['internal error', 'ERR_RPC_FAILED']);
    assert.match(broken.stack, /a secret/, 'in debug');
    assert.match(JSON.stringify(bySequence.get(3)), /ERR_RPC_RESULT.*|function cannot be sent/);
    assert.match(JSON.stringify(bySequence.get(4)), /ERR_RPC_METHOD/);
    assert.equal(logger.lines.filter((line) => line.includes('a secret')).length, 1);
  });

  test('gives up at the deadline of the caller, and tells the method', async (t) => {
    const seen: CallContext[] = [];
    const hangs: Method = (_, context) => {
      seen.push(context);
      return new Promise(() => undefined);
    };
    const { call, replies, router } = caller({ Hang: hangs });
    const begin = performance.now();
    call(1, 'Hang', null, 200);
    const { signal } = seen[0] as CallContext;
    await within(new Promise((resolve) => signal.addEventListener('abort', resolve)), 20_000, 'the abort');
    const took = performance.now() - begin;
    assert.match(
      JSON.stringify(resultOf(replies[0] as Frame)),
      /it\.Hang was not answered within 200 ms.*ERR_RPC_TIMEOUT/,
    );
    assert.ok(took >= 195, `${took}`);
    assert.equal(router.inFlight, 0);
    t.diagnostic(`after ${took.toFixed(0)} ms`);
  });

  test('drops what is answered after the caller is gone, and lets go what was kept for it', async () => {
    const waiting = latch<string>();
    let aborted = false;
    let gone = 0;
    const { call, replies, router, session } = caller({
      Later: (_, context) => {
        context.caller.onGone(() => gone++);
        context.signal.addEventListener('abort', () => {
          aborted = true;
        });
        return waiting.promise;
      },
    });
    call(1, 'Later', null);
    session.close();
    session.close();
    assert.deepEqual([aborted, gone, router.callers, router.inFlight], [true, 1, 0, 0]);
    waiting.resolve('late');
    await new Promise(setImmediate);
    assert.equal(replies.length, 0);
    session.onGone(() => gone++);
    assert.equal(gone, 2, 'told at once');
  });

  test('runs no more than may run; the others wait, and beyond 10000 are refused', async (t) => {
    const open: (() => void)[] = [];
    const wait: Method = () => new Promise<null>((resolve) => open.push(() => resolve(null)));
    const { call, replies, events, router } = caller({ Wait: wait }, { maxInFlight: 4 });
    for (let i = 1; i <= 10_010; i++) call(i, 'Wait', null);
    assert.equal(open.length, 4);
    assert.equal(router.inFlight, 10_004);
    assert.equal(replies.length, 6, 'refused');
    assert.match(JSON.stringify(resultOf(replies[0] as Frame)), /ERR_RPC_BUSY/);
    assert.ok(events.includes('full'));
    for (let ended = 0; ended < 10_004; ended++) {
      while (open.length <= ended) await new Promise(setImmediate);
      open[ended]?.();
    }
    await eventually(() => replies.length === 10_010, 'all answers');
    assert.equal(router.inFlight, 0);
    assert.ok(events.includes('free'));
    t.diagnostic('10010 calls, 10004 answered, 6 refused');
  });

  test('sequence 0 wants no answer on a channel, and gets one on a connection', () => {
    const quiet = caller({ Now: () => 1 });
    quiet.call(0, 'Now', null);
    assert.equal(quiet.replies.length, 0);
    const loud = caller({ Now: () => 1 }, {}, false);
    loud.call(0, 'Now', null);
    assert.equal(loud.replies.length, 1);
  });

  test('refuses a result that is too large', () => {
    const { call, replies } = caller({ Much: () => Buffer.alloc(2000) }, { maxPayload: 1000 });
    call(1, 'Much', null);
    assert.match(JSON.stringify(resultOf(replies[0] as Frame)), /has 2003 bytes, allowed are 1000.*ERR_RPC_TOO_LARGE/);
  });

  test('thousands of quick calls that waited run in a loop, not one inside the other', async (t) => {
    const waiting = latch<null>();
    let ran = 0;
    const { call, router } = caller({ Wait: () => waiting.promise, Now: () => ++ran }, { maxInFlight: 2 });
    call(1, 'Wait', null);
    call(2, 'Wait', null);
    for (let i = 0; i < 10_000; i++) call(0, 'Now', null);
    assert.equal(ran, 0);
    waiting.resolve(null);
    await eventually(() => ran === 10_000, 'all of them');
    assert.equal(router.inFlight, 0);
    t.diagnostic(`${ran} calls after one`);
  });

  test('keeps no more bytes of waiting calls than one call may have', () => {
    const wait: Method = () => new Promise(() => undefined);
    const { call, replies, session } = caller({ Wait: wait }, { maxInFlight: 1, maxPayload: 1000 });
    for (let i = 1; i <= 5; i++) call(i, 'Wait', 'x'.repeat(400));
    assert.deepEqual(
      replies.map(({ options }) => options[0]),
      [4, 5],
    );
    assert.match(JSON.stringify(resultOf(replies[0] as Frame)), /ERR_RPC_BUSY/);
    call(6, 'Wait', 'x'.repeat(1000));
    assert.match(JSON.stringify(resultOf(replies[2] as Frame)), /has 1010 bytes, allowed are 1000.*ERR_RPC_TOO_LARGE/);
    session.close();
  });

  test('a peer that calls on and takes no answer is at fault', () => {
    const { call, router } = caller({ Now: () => 1 }, { maxInFlight: 8 }, true, () => undefined);
    let calls = 0;
    assert.throws(
      () => {
        while (calls < 50_000) call(++calls, 'Now', null);
      },
      { code: 'ERR_PROTOCOL_SEQUENCE', message: /answers to RPC calls are not taken/ },
    );
    assert.ok(calls > 20_000 && calls < 20_100, `${calls} calls`);
    assert.equal(router.inFlight, 10_000);
  });

  test('counts calls by service and end; names that are made up share one', () => {
    const { call, router, session } = caller({
      Now: () => 1,
      Bad: () => {
        throw new CallError('no', 'ERR_RPC_ARGUMENT');
      },
      Broken: () => Promise.reject(new Error('x')),
      Odd: () => Symbol('odd'),
      Wait: () => new Promise(() => undefined),
    });
    for (const name of ['Now', 'Now', 'Bad', 'Odd', 'Nope', '__proto__', 'made.up', 'Wait']) call(1, name, null);
    session.close();
    const counts = [...router.counts.entries()].map((entry) => entry.join(' ')).sort();
    assert.deepEqual(counts, [
      'it ERR_RPC_ARGUMENT 1',
      'it ERR_RPC_CANCELLED 1',
      'it ERR_RPC_METHOD 2',
      'it ERR_RPC_RESULT 1',
      'it ok 2',
      'unknown ERR_RPC_METHOD 1',
    ]);
  });
});

test('what is for the inside is not there for others', async () => {
  const { router, replies, call } = caller({ Secret: insideOnly((argument) => [argument]) });
  assert.deepEqual(await router.call('it.Secret', 5, 'cron'), [5]);
  call(1, 'Secret', 5);
  const reply = await eventually(() => replies[0], 'the answer');
  const { error, value } = resultOf(reply) as { error: boolean; value: { code: string; message: string } };
  assert.deepEqual([error, value.code, value.message], [true, 'ERR_RPC_METHOD', "rpc: can't find method it.Secret"]);
});
