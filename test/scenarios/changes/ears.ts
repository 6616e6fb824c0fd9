// Clients that listen for changes, one at each door, in both eras.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GatewayProcess } from '../../support/gateway.ts';
import { textAt } from '../../support/json-text.ts';
import {
  type RawClient,
  type RawSharedClient,
  mirrorHeaders,
  rawLegacy,
  rawModern,
  rawSse,
  rawStdio,
  requestText,
  withEnvelope,
} from '../../support/raw-client.ts';
import { openStream } from '../../support/raw-http.ts';
import { until } from '../../support/until.ts';

export interface Ear extends AsyncDisposable {
  readonly name: string;
  readonly client: RawClient;
  /** Everything heard so far that belongs to no request but the listening itself. */
  readonly heard: () => readonly string[];
}

const MAIN = join(fileURLToPath(new URL('../../..', import.meta.url)), 'src/main.ts');

const filterOf = (uris: readonly string[]): string =>
  JSON.stringify({
    notifications: {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      resourceSubscriptions: uris,
    },
  });

const isAcknowledged = (heard: () => readonly string[]) => (): boolean =>
  heard().some((text) => textAt(text, 'method')?.includes('acknowledged') === true);

async function subscribe(client: RawClient, uris: readonly string[]): Promise<void> {
  for (const uri of uris) await client.request('resources/subscribe', JSON.stringify({ uri }));
}

async function modernHttp(gateway: GatewayProcess, uris: readonly string[]): Promise<Ear> {
  const headers = { authorization: `Bearer ${gateway.key}` };
  const method = 'subscriptions/listen';
  const body = requestText('"ear"', method, withEnvelope(filterOf(uris)));
  const all = { ...headers, ...mirrorHeaders(method, '{}') };
  const stream = await openStream(gateway.url, { body, headers: all });
  const heard = (): string[] => stream.messages;
  await until(isAcknowledged(heard), 'an acknowledgement over HTTP');
  return {
    name: 'modern HTTP',
    client: rawModern(gateway.url, { headers }),
    heard,
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

async function legacyHttp(gateway: GatewayProcess, uris: readonly string[]): Promise<Ear> {
  const headers = { authorization: `Bearer ${gateway.key}` };
  const client = await rawLegacy(gateway.url, { headers });
  const stream = await client.listen();
  await subscribe(client, uris);
  return {
    name: 'legacy HTTP',
    client,
    heard: () => stream.messages,
    async [Symbol.asyncDispose]() {
      await stream[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}

async function shared(
  name: string,
  client: RawSharedClient,
  uris: readonly string[],
): Promise<Ear> {
  const heard = (): readonly string[] => client.seen;
  if (client.era === 'legacy') await subscribe(client, uris);
  else {
    client.request('subscriptions/listen', filterOf(uris), '"ear"').catch(() => {});
    await until(isAcknowledged(heard), `an acknowledgement over ${name}`);
  }
  return { name, client, heard, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

/** All of them, subscribed to these resources. */
export async function openEars(gateway: GatewayProcess, uris: readonly string[]): Promise<Ear[]> {
  const headers = { authorization: `Bearer ${gateway.key}` };
  const bridge = {
    command: process.execPath,
    args: [MAIN, 'stdio', '--config', gateway.configFile],
  };
  const sse = new URL('/sse', gateway.url).href;
  return Promise.all([
    modernHttp(gateway, uris),
    legacyHttp(gateway, uris),
    rawSse(sse, { headers }).then((client) => shared('SSE', client, uris)),
    rawStdio({ ...bridge, era: 'legacy' }).then((client) => shared('legacy stdio', client, uris)),
    rawStdio({ ...bridge, era: 'modern' }).then((client) => shared('modern stdio', client, uris)),
  ]);
}
