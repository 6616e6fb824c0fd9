// Questions of the gateway to legacy clients, on the stream of the call that they belong to.
import { toAbortSignal } from '../../../src/core/cancellation.ts';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Call, Message } from '../../../src/core/call.ts';
import { parseAt } from '../../../src/wire/json.ts';
import { resultAnswer } from '../../../src/wire/message.ts';
import { startDoor } from './support.ts';
import type { TestDoor } from './support.ts';

const requestInit = { headers: { authorization: 'Bearer alice' } };
const FORM = {
  mode: 'form',
  message: 'May it?',
  requestedSchema: { type: 'object', properties: {} },
};

const transports = {
  http: (url: string) => new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }),
  sse: (url: string) =>
    new SSEClientTransport(new URL(`${url}/sse`), {
      requestInit,
      eventSourceInit: {
        fetch: (input, init) =>
          fetch(input, { ...init, headers: { ...init?.headers, ...requestInit.headers } }),
      },
    }),
};

const answered = (value: unknown): Message =>
  resultAnswer(JSON.stringify({ content: [{ type: 'text', text: JSON.stringify(value) }] }));

/** Every call asks, and answers with what it was answered. */
function askAlways(door: TestDoor, signal = new AbortController().signal) {
  const calls: Call[] = [];
  const failed = Promise.withResolvers<unknown>();
  door.gateway.call = async (call) => {
    calls.push(call);
    if (!call.ask) return answered('cannot be asked');
    try {
      const answer = await call.ask(
        'elicitation/create',
        FORM,
        AbortSignal.any([signal, toAbortSignal(call.signal)]),
      );
      return answered(parseAt(answer.bytes, answer.result!));
    } catch (error) {
      failed.resolve(error);
      throw error;
    }
  };
  return { calls, failed: failed.promise };
}

async function connect(door: TestDoor, kind: keyof typeof transports, capabilities: object) {
  const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities });
  await client.connect(transports[kind](door.url));
  return client;
}

for (const kind of ['http', 'sse'] as const) {
  test(`over ${kind} a client that declares it is asked, and its answer goes to its call`, async () => {
    await using door = await startDoor();
    askAlways(door);
    const client = await connect(door, kind, { elicitation: {} });
    try {
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        assert.equal(params.message, 'May it?');
        return { action: 'accept', content: { answer: 'once' } };
      });
      const results = await Promise.all([1, 2, 3].map(() => client.callTool({ name: 'echo' })));
      for (const { content } of results) {
        const [{ text }] = content as [{ text: string }];
        assert.deepEqual(JSON.parse(text), { action: 'accept', content: { answer: 'once' } });
      }
    } finally {
      await client.close();
    }
  });

  test(`over ${kind} a client that does not declare it is not asked`, async () => {
    await using door = await startDoor();
    const { calls } = askAlways(door);
    const client = await connect(door, kind, {});
    try {
      await client.callTool({ name: 'echo' });
      assert.equal(calls[0]!.ask, undefined);
    } finally {
      await client.close();
    }
  });

  test(`over ${kind} a question ends with its call, and with its client`, async () => {
    await using door = await startDoor();
    const { failed, calls } = askAlways(door);
    const client = await connect(door, kind, { elicitation: {} });
    const asked = Promise.withResolvers<AbortSignal>();
    client.setRequestHandler(ElicitRequestSchema, (_request, { signal }) => {
      asked.resolve(signal);
      return new Promise(() => undefined);
    });
    const stop = new AbortController();
    const calling = client.callTool({ name: 'echo' }, undefined, { signal: stop.signal });
    const dialog = await asked.promise;
    const over = once(dialog, 'abort');
    stop.abort();
    await assert.rejects(calling);
    await failed;
    // The client was told to close the dialog.
    await over;
    const second = askAlways(door);
    const again = client.callTool({ name: 'echo' });
    again.catch(() => undefined);
    while (second.calls.length === 0) await new Promise(setImmediate);
    await client.close();
    await second.failed;
    assert.equal(calls.length, 1);
    assert.equal(second.calls[0]!.isGone(), true);
  });
}

test('only what was declared may be asked', async () => {
  await using door = await startDoor();
  const client = await connect(door, 'http', { elicitation: {} });
  try {
    const refused = Promise.withResolvers<unknown>();
    door.gateway.call = async (call) => {
      await call.ask!('sampling/createMessage', {}, toAbortSignal(call.signal)).catch(
        refused.resolve,
      );
      return answered('done');
    };
    await client.callTool({ name: 'echo' });
    assert.equal(((await refused.promise) as { code: string }).code, 'CALL_CANCELLED');
  } finally {
    await client.close();
  }
});

test('an answer of another session, or to nothing, settles nothing', async () => {
  await using door = await startDoor();
  askAlways(door);
  const open = async () => {
    const headers = {
      ...requestInit.headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
    const post = (body: object, session?: string) =>
      fetch(`${door.url}/mcp`, {
        method: 'POST',
        headers: { ...headers, ...(session ? { 'mcp-session-id': session } : {}) },
        body: JSON.stringify({ jsonrpc: '2.0', ...body }),
      });
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {} },
      clientInfo: { name: 'x', version: '1' },
    };
    const response = await post({ id: 0, method: 'initialize', params });
    await response.text();
    const session = response.headers.get('mcp-session-id')!;
    return (body: object) => post(body, session);
  };
  const [mine, other] = [await open(), await open()];
  const response = await mine({ id: 1, method: 'tools/call', params: { name: 'echo' } });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const question = (await reader.read()).value!;
  const id = /"id":"([^"]+)"/.exec(question)![1]!;
  for (const answer of [other, mine]) {
    for (const one of ['toolgate-x-1', answer === other ? id : 'x']) {
      const taken = await answer({
        id: one,
        result: { action: 'accept', content: { from: 'elsewhere' } },
      });
      assert.equal(taken.status, 202);
    }
  }
  await mine({ id, result: { action: 'decline' } });
  assert.match((await reader.read()).value!, /decline/);
});
