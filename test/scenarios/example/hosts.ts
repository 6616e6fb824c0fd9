// Hosts made of the official SDKs, v1 and v2, with one set of verbs, at every door.
import {
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import {
  type ClientV1,
  type ClientV2,
  connectV1,
  connectV1Stdio,
  connectV2,
  connectV2Stdio,
} from '../../support/clients.ts';

type Arguments = Record<string, unknown>;

interface CallOptions {
  readonly onprogress?: (progress: { progress: number }) => void;
  readonly signal?: AbortSignal;
}

interface Content {
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

/** What both clients can do under one name. */
export interface Host extends AsyncDisposable {
  readonly client: Pick<
    ClientV1,
    'listPrompts' | 'getPrompt' | 'readResource' | 'complete' | 'getInstructions'
  > & {
    listTools(): Promise<{ tools: { name: string }[] }>;
    listResources(): Promise<{ resources: { uri: string }[] }>;
  };
  call(name: string, args?: Arguments, options?: CallOptions): Promise<Content>;
  /** Calls with log messages from `debug` on. @returns how many came. */
  callLogging(name: string): Promise<number>;
  /** Hears of changes to a resource until the host is closed. */
  watch(uri: string, onUpdate: () => void): Promise<void>;
}

function hostV1(connected: AsyncDisposable & { client: ClientV1 }): Host {
  const { client } = connected;
  const call: Host['call'] = async (name, args = {}, options = {}) =>
    (await client.callTool({ name, arguments: args }, undefined, options)) as Content;
  return {
    client,
    call,
    async callLogging(name) {
      let logs = 0;
      client.setNotificationHandler(LoggingMessageNotificationSchema, () => void logs++);
      await client.setLoggingLevel('debug');
      await call(name);
      return logs;
    },
    async watch(uri, onUpdate) {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
        if (params.uri === uri) onUpdate();
      });
      await client.subscribeResource({ uri });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(connected[Symbol.asyncDispose]()),
  };
}

function hostV2(connected: AsyncDisposable & { client: ClientV2 }, era: 'legacy' | 'modern'): Host {
  const { client } = connected;
  const call: Host['call'] = async (name, args = {}, options = {}) =>
    await client.callTool({ name, arguments: args }, options);
  return {
    client,
    call,
    async callLogging(name) {
      let logs = 0;
      client.setNotificationHandler('notifications/message', () => void logs++);
      const _meta = { 'io.modelcontextprotocol/logLevel': 'debug' };
      if (era === 'legacy') await client.setLoggingLevel('debug');
      await client.callTool({ name, arguments: {}, ...(era === 'modern' ? { _meta } : {}) });
      return logs;
    },
    async watch(uri, onUpdate) {
      client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
        if (params.uri === uri) onUpdate();
      });
      if (era === 'legacy') await client.subscribeResource({ uri });
      else await client.listen({ resourceSubscriptions: [uri] });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(connected[Symbol.asyncDispose]()),
  };
}

export interface Place {
  readonly url: string;
  readonly key: string;
  /** The stdio bridge. */
  readonly command: string;
  readonly args: readonly string[];
}

export const HOSTS: Readonly<Record<string, (place: Place) => Promise<Host>>> = {
  'SDK v1 over HTTP': async (place) => hostV1(await connectV1(place)),
  'SDK v1 over SSE': async ({ url, key }) =>
    hostV1(await connectV1({ url: new URL('/sse', url).href, key, transport: 'sse' })),
  'SDK v1 over stdio': async (place) => hostV1(await connectV1Stdio(place)),
  'SDK v2 over HTTP, legacy': async (place) =>
    hostV2(await connectV2({ ...place, era: 'legacy' }), 'legacy'),
  'SDK v2 over HTTP, modern': async (place) =>
    hostV2(await connectV2({ ...place, era: 'modern' }), 'modern'),
  'SDK v2 over stdio, legacy': async (place) =>
    hostV2(await connectV2Stdio({ ...place, era: 'legacy' }), 'legacy'),
  'SDK v2 over stdio, modern': async (place) =>
    hostV2(await connectV2Stdio({ ...place, era: 'modern' }), 'modern'),
};
