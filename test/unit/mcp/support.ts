// A gateway in memory that does what the next floor does, and a door in front of it on a real port.
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { Call, Message } from '../../../src/core/call.ts';
import { createEmitter } from '../../../src/core/emitter.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import type { Principal } from '../../../src/core/principal.ts';
import type { ItemKind } from '../../../src/core/source.ts';
import type { Gateway, ListChange } from '../../../src/gateway/gateway.ts';
import { createMcpDoor } from '../../../src/mcp/endpoint.ts';
import type { McpDoorOptions } from '../../../src/mcp/endpoint.ts';
import { parseAt, valueOf } from '../../../src/wire/json.ts';
import {
  notificationMessage,
  readMessage,
  readParams,
  resultAnswer,
} from '../../../src/wire/message.ts';
import { createTestLog } from './log.ts';

export const SERVER = 'files';
export const RESOURCE = 'file:///a.txt';

const object = { type: 'object' } as const;
const TOOLS = [
  { name: 'echo', inputSchema: object },
  { name: 'count', inputSchema: object },
  { name: 'hang', inputSchema: object },
  {
    name: 'mirror',
    inputSchema: {
      type: 'object',
      properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
    },
  },
];
const ITEMS: Readonly<Record<ItemKind, readonly object[]>> = {
  tools: TOOLS,
  prompts: [{ name: 'greet' }],
  resources: [{ uri: RESOURCE, name: 'a' }],
  resourceTemplates: [{ uriTemplate: 'file:///{path}', name: 'any' }],
};

export interface TestGateway extends Gateway {
  /** Every call that came, in order. */
  readonly calls: Call[];
  readonly levels: string[];
  /** Live subscriptions by URI. */
  readonly subscribed: Map<string, Set<(notification: Message) => void>>;
  /** Ends the calls that hang, with an empty result. */
  release(): void;
  change(change: Partial<ListChange>): void;
  update(uri: string): void;
  /** Resolves when there have been so many calls. */
  called(count: number): Promise<void>;
  /** Resolves when so many calls have been cancelled. */
  cancelled(count: number): Promise<void>;
}

const progress = (token: unknown, value: number, text = '') =>
  readMessage(
    notificationMessage('notifications/progress', {
      progressToken: token,
      progress: value,
      ...(text ? { message: text } : {}),
    }),
  );

const logMessage = (level: string, data: unknown) =>
  readMessage(notificationMessage('notifications/message', { level, data }));

/** Lets tests wait for a count that grows. */
function createCounter() {
  let value = 0;
  let waiting: { at: number; resolve: () => void }[] = [];
  return {
    add() {
      value++;
      const due = waiting.filter(({ at }) => at <= value);
      waiting = waiting.filter(({ at }) => at > value);
      for (const { resolve } of due) resolve();
    },
    reached(at: number): Promise<void> {
      if (value >= at) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ at, resolve }));
    },
  };
}

export function createTestGateway(): TestGateway {
  const calls: Call[] = [];
  const levels: string[] = [];
  const subscribed = new Map<string, Set<(notification: Message) => void>>();
  const listChanged = createEmitter<ListChange>();
  const callCount = createCounter();
  const cancelCount = createCounter();
  let waiting: (() => void)[] = [];

  const assertServer = (scope: string | undefined) => {
    if (scope !== undefined && scope !== SERVER) {
      throw new GatewayError('SERVER_NOT_FOUND', `There is no server ${scope}.`);
    }
  };
  const hang = (call: Call) =>
    new Promise<void>((resolve, reject) => {
      waiting.push(resolve);
      const onAbort = () => {
        cancelCount.add();
        reject(new GatewayError('CALL_CANCELLED', 'The caller cancelled the call.'));
      };
      if (call.signal.aborted) onAbort();
      else call.signal.addEventListener('abort', onAbort);
    });

  return {
    calls,
    levels,
    subscribed,
    listChanged,
    async call(call) {
      calls.push(call);
      callCount.add();
      assertServer(call.scope);
      return answerOf(call, hang);
    },
    list(kind, { era, scope }) {
      assertServer(scope);
      const modern =
        era === 'modern' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {};
      return Buffer.from(JSON.stringify({ ...modern, [kind]: ITEMS[kind] }));
    },
    describe({ scope }) {
      assertServer(scope);
      const listed = { listChanged: true };
      return {
        capabilities: {
          tools: listed,
          prompts: listed,
          resources: { ...listed, subscribe: true },
          completions: {},
          logging: {},
        },
        instructions: 'Be kind.',
      };
    },
    mirrored: (_view, tool) => (tool === 'mirror' ? [{ header: 'Region', path: ['region'] }] : []),
    subscribe(_view, uri, onUpdate) {
      if (uri !== RESOURCE) throw new GatewayError('RESOURCE_NOT_FOUND', `No server has ${uri}.`);
      const listeners = subscribed.get(uri) ?? new Set();
      subscribed.set(uri, listeners);
      const own = (update: Message) => onUpdate(update);
      listeners.add(own);
      return {
        [Symbol.asyncDispose]: async () => {
          listeners.delete(own);
          if (listeners.size === 0) subscribed.delete(uri);
        },
      };
    },
    async lowerLogLevel(_view, level) {
      levels.push(level);
    },
    release() {
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    change: ({ kinds = ['tools'], servers = [SERVER] }) => listChanged.emit({ kinds, servers }),
    update(uri) {
      const update = readMessage(notificationMessage('notifications/resources/updated', { uri }));
      for (const listener of subscribed.get(uri) ?? []) listener(update);
    },
    apply: () => undefined,
    drain: () => Promise.resolve(),
    called: (count) => callCount.reached(count),
    cancelled: (count) => cancelCount.reached(count),
  };
}

const text = (value: string, era: string) =>
  resultAnswer(
    JSON.stringify({
      ...(era === 'modern' ? { resultType: 'complete' } : {}),
      content: [{ type: 'text', text: value }],
    }),
  );

/** The tools and resources by name; a name that is an error code throws that error. */
async function answerOf(call: Call, hang: (call: Call) => Promise<void>): Promise<Message> {
  const { message, name, client } = call;
  const params = readParams(message);
  const argsSpan = valueOf(params.members, 'arguments');
  const args = (argsSpan ? parseAt(message.bytes, argsSpan) : {}) as Record<string, unknown>;
  const token = params.progressToken ? parseAt(message.bytes, params.progressToken) : undefined;
  const done = (value: string) => text(value, client.era);
  switch (name) {
    case 'echo':
    case 'mirror':
    case RESOURCE:
    case 'greet':
    case `${SERVER}__echo`:
      return done(JSON.stringify(args));
    case 'count': {
      const times = Number(args['times'] ?? 3);
      for (let i = 1; i <= times; i++) call.onNotification(progress(token, i));
      call.onNotification(progress('foreign', 99));
      for (const level of ['debug', 'info', 'error']) call.onNotification(logMessage(level, level));
      queueMicrotask(() => setImmediate(() => call.onNotification(progress(token, 100))));
      return done(String(times));
    }
    case 'flood': {
      const filler = 'x'.repeat(1000);
      for (let i = 1; i <= Number(args['times']); i++) {
        call.onNotification(progress(token, i, filler));
        // Beyond what comes at once, the kernel takes its share.
        if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await hang(call);
      return done('flooded');
    }
    case 'big':
      return done('x'.repeat(Number(args['bytes'])));
    case 'hang':
      call.onNotification(progress(token, 1));
      await hang(call);
      return done('released');
    case 'hang-quietly':
      await hang(call);
      return done('released');
    case 'throw':
      throw new TypeError('secret cause');
    case 'rpc-error':
      return readMessage(
        Buffer.from('{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"bad arguments"}}'),
      );
    case 'rpc-capability':
      return readMessage(
        Buffer.from('{"jsonrpc":"2.0","id":7,"error":{"code":-32021,"message":"needs sampling"}}'),
      );
    case 'down':
      throw new GatewayError('UPSTREAM_DOWN', 'The server files is down.', {
        data: { server: SERVER },
      });
    default:
      if (call.method === 'resources/read') {
        throw new GatewayError('RESOURCE_NOT_FOUND', `No server has ${name}.`);
      }
      if (call.method === 'prompts/get')
        throw new GatewayError('PROMPT_NOT_FOUND', `No prompt ${name}.`);
      throw new GatewayError('TOOL_NOT_FOUND', `There is no tool ${name}.`);
  }
}

const principal = (name: string): Principal => ({
  id: name,
  name,
  role: 'caller',
  execute: false,
  team: undefined,
  customer: undefined,
  environment: undefined,
  allowance: { tools: ['*'], deny: [], prompts: undefined, resources: undefined },
  modes: [],
});

const PRINCIPALS: Readonly<Record<string, Principal>> = {
  'Bearer alice': principal('alice'),
  'Bearer bob': principal('bob'),
};

export function authenticate(headers: IncomingHttpHeaders): Principal {
  const principal = PRINCIPALS[headers.authorization ?? ''];
  if (!principal) throw new GatewayError('CREDENTIAL_MISSING', 'Send a key.');
  return principal;
}

export async function startDoor(options: Partial<McpDoorOptions> = {}) {
  const gateway = createTestGateway();
  const log = createTestLog();
  const config = { maxRequestBytes: 4 * 1024 * 1024, sessionSeconds: 60, maxSessions: 100 };
  const door = createMcpDoor({ gateway, authenticate, config, log, version: '0.0.0', ...options });
  const server = createServer((req, res) => door.handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    gateway,
    log,
    door,
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      gateway.release();
      await door[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type TestDoor = Awaited<ReturnType<typeof startDoor>>;
