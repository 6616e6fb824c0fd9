import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, Message } from '../../../src/core/call.ts';
import { GatewayError, isGatewayError } from '../../../src/core/errors.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import type { Target, Timeouts } from '../../../src/core/source.ts';
import { Inflight } from '../../../src/gateway/inflight.ts';
import { readMessage, resultAnswer } from '../../../src/wire/message.ts';
import { source } from '../catalog/listing.ts';
import { ALL_SEEING } from '../../support/principal.ts';

const NOTICE = readMessage(
  Buffer.from('{"jsonrpc":"2.0","method":"notifications/progress","params":{}}'),
);
const ANSWER = resultAnswer('{}');

const withCode = (code: ErrorCode) => (error: unknown) =>
  isGatewayError(error) && error.code === code;

function callOf(signal = new AbortController().signal, heard: Message[] = []): Call {
  const message = readMessage(
    Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}'),
  );
  return {
    id: 'c1',
    principal: ALL_SEEING,
    door: 'http',
    client: {
      era: 'modern',
      protocolVersion: '2026-07-28',
      info: undefined,
      capabilities: Buffer.from('{}'),
    },
    scope: undefined,
    narrow: [],
    isGone: () => false,
    ask: undefined,
    method: 'tools/call',
    name: 't',
    message,
    logLevel: undefined,
    signal,
    onNotification: (notice) => heard.push(notice),
  };
}

const targetOf = (timeouts: Timeouts): Target => ({
  source: { ...source('s', {}), timeouts: () => timeouts },
  name: 't',
  item: undefined,
  exposed: 's__t',
  definitionHash: '',
});

const PATIENT = targetOf({ timeoutMs: 60_000, maxTimeoutMs: 60_000 });

/** What an upstream does that never answers: it ends when its call is given up. */
const hang = ({ signal }: Call): Promise<Message> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

test('a call that is answered leaves nothing behind', async () => {
  const inflight = new Inflight();
  const running = inflight.run(callOf(), PATIENT, () => Promise.resolve(ANSWER));
  assert.equal(inflight.size, 1);
  assert.equal(await running, ANSWER);
  assert.equal(inflight.size, 0);
  const failed = inflight.run(callOf(), PATIENT, () =>
    Promise.reject(new GatewayError('UPSTREAM_DOWN', 'x')),
  );
  await assert.rejects(failed, withCode('UPSTREAM_DOWN'));
  assert.equal(inflight.size, 0);
});

test('a call without an answer ends at its deadline, which names the setting', async () => {
  const startedAt = performance.now();
  const short = targetOf({ timeoutMs: 100, maxTimeoutMs: 1000 });
  await assert.rejects(new Inflight().run(callOf(), short, hang), (error) => {
    assert.ok(withCode('UPSTREAM_TIMEOUT')(error));
    assert.match((error as Error).message, /"s".*tools\/call "t" within 0\.1 s \(timeoutSeconds\)/);
    return true;
  });
  const took = performance.now() - startedAt;
  assert.ok(took >= 99 && took < 350, `${took} ms`);
});

test('progress extends a call, up to the limit of the whole', async () => {
  const heard: Message[] = [];
  const startedAt = performance.now();
  const target = targetOf({ timeoutMs: 150, maxTimeoutMs: 500 });
  const run = new Inflight().run(callOf(undefined, heard), target, (call) => {
    const timer = setInterval(() => call.onNotification(NOTICE), 40);
    return hang(call).finally(() => {
      call.onNotification(NOTICE);
      clearInterval(timer);
    });
  });
  await assert.rejects(run, (error) => {
    assert.match((error as Error).message, /in all \(maxTimeoutSeconds\)/);
    return withCode('UPSTREAM_TIMEOUT')(error);
  });
  const took = performance.now() - startedAt;
  assert.ok(took >= 499 && took < 750, `${took} ms`);
  assert.ok(heard.length >= 3, `${heard.length} heard`);
  assert.ok(heard.every((notice) => notice === NOTICE));
});

test('nothing is heard after the call has been given up', async () => {
  const heard: Message[] = [];
  const caller = new AbortController();
  const run = new Inflight().run(callOf(caller.signal, heard), PATIENT, (call) => {
    call.onNotification(NOTICE);
    caller.abort();
    call.onNotification(NOTICE);
    return Promise.reject(call.signal.reason);
  });
  await assert.rejects(run, withCode('CALL_CANCELLED'));
  assert.equal(heard.length, 1);
});

test('a caller that cancels is told so; a reason of the gateway is kept', async () => {
  const caller = new AbortController();
  const running = new Inflight().run(callOf(caller.signal), PATIENT, hang);
  caller.abort();
  await assert.rejects(running, withCode('CALL_CANCELLED'));
  const busy = new AbortController();
  const other = new Inflight().run(callOf(busy.signal), PATIENT, hang);
  busy.abort(new GatewayError('UPSTREAM_BUSY', 'x'));
  await assert.rejects(other, withCode('UPSTREAM_BUSY'));
  const before = new Inflight().run(callOf(AbortSignal.abort()), PATIENT, () =>
    assert.fail('sent all the same'),
  );
  await assert.rejects(before, withCode('CALL_CANCELLED'));
});

test('a drain waits for calls in flight and takes no new ones', async () => {
  const inflight = new Inflight();
  const answer = Promise.withResolvers<Message>();
  const running = inflight.run(callOf(), PATIENT, () => answer.promise);
  let drained = false;
  const drain = inflight.drain(60_000).then(() => {
    drained = true;
  });
  await assert.rejects(inflight.run(callOf(), PATIENT, hang), withCode('SHUTTING_DOWN'));
  assert.equal(drained, false);
  answer.resolve(ANSWER);
  assert.equal(await running, ANSWER);
  await drain;
});

test('a drain ends at its deadline, with an error for what is still running', async () => {
  const inflight = new Inflight();
  const running = inflight.run(callOf(), PATIENT, hang);
  const told = assert.rejects(running, withCode('SHUTTING_DOWN'));
  const startedAt = performance.now();
  await inflight.drain(100);
  await told;
  assert.ok(performance.now() - startedAt < 350);
  await new Inflight().drain(60_000);
});
