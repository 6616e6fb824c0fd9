import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from '../../../src/core/call.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import type { Log } from '../../../src/core/log.ts';
import { createObserve } from '../../../src/telemetry/observe.ts';
import { readMessage, resultAnswer } from '../../../src/wire/message.ts';
import { source } from '../catalog/listing.ts';
import { ALL_SEEING } from '../../support/principal.ts';

interface Line {
  readonly level: string;
  readonly facts: Record<string, unknown>;
}

function observed() {
  const lines: Line[] = [];
  const at = (level: string) => (facts: object) => void lines.push({ level, facts: { ...facts } });
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const message = readMessage(
    Buffer.from(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"password":"hush"}}}',
    ),
  );
  const call: Call = {
    id: 'c1',
    principal: ALL_SEEING,
    door: 'http',
    client: {
      era: 'legacy',
      protocolVersion: '2025-11-25',
      info: undefined,
      capabilities: Buffer.from('{}'),
    },
    scope: undefined,
    narrow: [],
    isGone: () => false,
    ask: undefined,
    method: 'tools/call',
    name: 's__t',
    message,
    logLevel: undefined,
    signal: new AbortController().signal,
    onNotification() {},
  };
  return {
    lines,
    call,
    observe: createObserve(log),
    target: {
      source: source('s', {}),
      name: 't',
      item: undefined,
      exposed: 's__t',
      definitionHash: '',
    },
  };
}

const FACTS = {
  call: 'c1',
  principal: 'local',
  door: 'http',
  era: 'legacy',
  method: 'tools/call',
  server: 's',
  name: 't',
};

test('a call is told of once, with its outcome and without its arguments', async () => {
  const { lines, call, observe, target } = observed();
  const answer = resultAnswer('{"content":[{"type":"text","text":"hush"}]}');
  assert.equal(await observe(call, target, () => Promise.resolve(answer)), answer);
  const [{ level, facts }] = lines as [Line];
  const { ms, ...rest } = facts;
  assert.equal(lines.length, 1);
  assert.equal(level, 'debug');
  assert.equal(typeof ms, 'number');
  assert.deepEqual(rest, { ...FACTS, outcome: 'result' });
  assert.doesNotMatch(JSON.stringify(lines), /hush/);
});

test('a failure is told of with its code, and goes on', async () => {
  const { lines, call, observe, target } = observed();
  const failure = new GatewayError('UPSTREAM_DOWN', 'It is down.');
  await assert.rejects(
    observe(call, target, () => Promise.reject(failure)),
    failure,
  );
  await assert.rejects(observe(call, target, () => Promise.reject(new TypeError('a fault'))));
  assert.deepEqual(
    lines.map(({ level, facts: { outcome, reason } }) => [level, outcome, reason]),
    [
      ['info', 'UPSTREAM_DOWN', 'It is down.'],
      ['info', 'INTERNAL', 'a fault'],
    ],
  );
});
