// The official SDK's clients, v1 and v2, ready to call: what today's hosts are made of.
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as SseV1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

export type { ClientV1, ClientV2 };

export interface Connected<C> extends AsyncDisposable {
  readonly client: C;
}

export interface ConnectOptions {
  readonly url: string;
  /** Sent as a bearer token. */
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly capabilities?: object;
  readonly name?: string;
}

export interface StdioOptions {
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly capabilities?: object;
}

type EraV2 = 'legacy' | 'modern';

const bearer = ({ key, headers = {} }: ConnectOptions): Record<string, string> => ({
  ...headers,
  ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
});

const closing = <C extends { close(): Promise<void> }>(
  client: C,
  before: () => Promise<void> = async () => {},
): Connected<C> => ({
  client,
  [Symbol.asyncDispose]: async () => {
    await before();
    await client.close();
  },
});

const makeV1 = (capabilities: object = {}, name = 'sdk-v1'): ClientV1 =>
  new ClientV1({ name, version: '1.0.0' }, { capabilities });

const makeV2 = (era: EraV2, capabilities: object = {}, name = 'sdk-v2'): ClientV2 =>
  new ClientV2(
    { name, version: '1.0.0' },
    {
      capabilities,
      versionNegotiation: { mode: era === 'legacy' ? 'legacy' : { pin: '2026-07-28' } },
    },
  );

/** SDK v1 over Streamable HTTP, or over HTTP+SSE at the URL of its GET stream. */
export async function connectV1(
  options: ConnectOptions & { readonly transport?: 'http' | 'sse' },
): Promise<Connected<ClientV1>> {
  const client = makeV1(options.capabilities, options.name);
  const url = new URL(options.url);
  const requestInit = { headers: bearer(options) };
  if (options.transport === 'sse') {
    await client.connect(new SseV1(url, { requestInit }));
    return closing(client);
  }
  const transport = new HttpV1(url, { requestInit });
  await client.connect(transport);
  return closing(client, async () => {
    await transport.terminateSession().catch(() => {});
  });
}

const stdioParams = ({ command, args = [], env, cwd }: StdioOptions) => ({
  command,
  args: [...args],
  ...(env === undefined ? {} : { env: { ...env } }),
  ...(cwd === undefined ? {} : { cwd }),
});

export async function connectV1Stdio(options: StdioOptions): Promise<Connected<ClientV1>> {
  const client = makeV1(options.capabilities);
  await client.connect(new StdioV1(stdioParams(options)));
  return closing(client);
}

/** SDK v2 over Streamable HTTP, in the era told. */
export async function connectV2(
  options: ConnectOptions & { readonly era: EraV2 },
): Promise<Connected<ClientV2>> {
  const client = makeV2(options.era, options.capabilities, options.name);
  const transport = new HttpV2(new URL(options.url), { requestInit: { headers: bearer(options) } });
  await client.connect(transport);
  return closing(client, async () => {
    if (options.era === 'legacy') await transport.terminateSession().catch(() => {});
  });
}

export async function connectV2Stdio(
  options: StdioOptions & { readonly era: EraV2 },
): Promise<Connected<ClientV2>> {
  const client = makeV2(options.era, options.capabilities);
  await client.connect(new StdioV2(stdioParams(options)));
  return closing(client);
}
