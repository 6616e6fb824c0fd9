// The clients that hosts are made of, with and without elicitation, over HTTP, SSE and stdio: asked, held, told.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { connectV1, connectV1Stdio, connectV2, connectV2Stdio } from '../support/clients.ts';
import type { ClientV1, ClientV2 } from '../support/clients.ts';
import { program, startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { adminOf, nextApproval } from '../support/rest.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const ELICITS = { elicitation: {} };
const servers = { up: { ...program('echo.ts'), autoExecute: [] } };

interface Result {
  readonly content: readonly { readonly text?: string }[];
  readonly isError?: boolean;
  readonly structuredContent?: {
    readonly approval?: { readonly id: string; readonly status: string };
  };
}

type AnyClient = ClientV1 | ClientV2;

const callTool = (client: AnyClient, args: Record<string, unknown>): Promise<Result> =>
  (client as ClientV1).callTool({
    name: 'up__echo',
    arguments: args,
  }) as Promise<unknown> as Promise<Result>;

/** The person at the client always gives this answer. @returns the questions that were asked */
function answerWith(client: AnyClient, version: 1 | 2, answer: string): string[] {
  const asked: string[] = [];
  const reply = (message: string) => {
    asked.push(message);
    return { action: 'accept' as const, content: { answer } };
  };
  if (version === 1) {
    (client as ClientV1).setRequestHandler(ElicitRequestSchema, ({ params }) =>
      reply(params.message),
    );
  } else {
    (client as ClientV2).setRequestHandler('elicitation/create', ({ params }) =>
      reply(params.message),
    );
  }
  return asked;
}

type Connect = (
  gateway: TestGateway,
  capabilities: object,
) => Promise<{ client: AnyClient } & AsyncDisposable>;

const stdio = ({ url, key }: TestGateway) => ({
  command: process.execPath,
  args: [MAIN, 'stdio', '--url', url, '--key', key],
});

const KINDS: Readonly<Record<string, readonly [version: 1 | 2, connect: Connect]>> = {
  'SDK v1 over HTTP': [1, ({ url, key }, capabilities) => connectV1({ url, key, capabilities })],
  'SDK v1 over SSE': [
    1,
    ({ base, key }, capabilities) =>
      connectV1({ url: `${base}/sse`, key, capabilities, transport: 'sse' }),
  ],
  'SDK v1 over stdio': [
    1,
    (gateway, capabilities) => connectV1Stdio({ ...stdio(gateway), capabilities }),
  ],
  'SDK v2, legacy, over HTTP': [
    2,
    ({ url, key }, capabilities) => connectV2({ url, key, capabilities, era: 'legacy' }),
  ],
  'SDK v2, modern, over HTTP': [
    2,
    ({ url, key }, capabilities) => connectV2({ url, key, capabilities, era: 'modern' }),
  ],
  'SDK v2, legacy, over stdio': [
    2,
    (gateway, capabilities) => connectV2Stdio({ ...stdio(gateway), capabilities, era: 'legacy' }),
  ],
  'SDK v2, modern, over stdio': [
    2,
    (gateway, capabilities) => connectV2Stdio({ ...stdio(gateway), capabilities, era: 'modern' }),
  ],
};

for (const [name, [version, connect]] of Object.entries(KINDS)) {
  test(`${name}: who can be asked is, and each answer counts`, async () => {
    await using gateway = await startGateway({ servers });
    for (const [answer, runs] of [
      ['once', true],
      ['no', false],
      ['always', true],
    ] as const) {
      await using connected = await connect(gateway, ELICITS);
      const { client } = connected;
      const asked = answerWith(client, version, answer);
      const args = { answer };
      const result = await callTool(client, args);
      assert.equal(asked.length, 1, answer);
      assert.match(asked[0]!, /Allow "echo" of server "up" to run for local\?/);
      assert.equal(result.isError ?? false, !runs, answer);
      assert.equal(result.content[0]!.text, runs ? JSON.stringify(args) : result.content[0]!.text);
      // A standing yes: no more questions.
      if (answer === 'always') await callTool(client, { answer: 'again' });
      assert.equal(asked.length, 1);
    }
    const admin = await adminOf(gateway);
    assert.equal((await admin('GET', '/v1/mcp/grants')).json.grants.length, 1);
  });

  test(`${name}: who cannot be asked is held until the yes, or told how to go on`, async () => {
    await using gateway = await startGateway({
      servers,
      config: { approvals: { waitSeconds: 30 } },
    });
    const admin = await adminOf(gateway);
    await using connected = await connect(gateway, {});
    const { client } = connected;
    const watch = await nextApproval(gateway);
    const held = callTool(client, { held: true });
    await admin('POST', `/v1/mcp/approvals/${await watch.id}/approve`);
    watch.close();
    assert.equal((await held).content[0]!.text, '{"held":true}');
    await gateway.reload({ servers, config: { approvals: { waitSeconds: 0 } } });
    const told = await callTool(client, { told: true });
    assert.equal(told.isError, true);
    const { id, status } = told.structuredContent!.approval!;
    assert.equal(status, 'pending');
    assert.match(told.content[0]!.text!, new RegExp(`toolgate approvals approve ${id}`));
    await admin('POST', `/v1/mcp/approvals/${id}/approve`);
    assert.equal((await callTool(client, { told: true })).content[0]!.text, '{"told":true}');
  });
}
