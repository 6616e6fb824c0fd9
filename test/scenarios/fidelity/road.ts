// Every way through the gateway: a mirror upstream for each transport and era, and a raw client at each door.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type GatewayProcess,
  type Servers,
  program,
  startGatewayProcess,
} from '../../support/gateway.ts';
import {
  type RawClient,
  rawLegacy,
  rawModern,
  rawSse,
  rawStdio,
} from '../../support/raw-client.ts';
import { type HttpUpstreamOptions, startHttpUpstream } from '../../support/upstreams/raw.ts';
import { mirrorOptions } from '../../support/upstreams/mirror.ts';

export type Era = 'legacy' | 'modern';

export interface South {
  /** The server's name in the configuration, and what its URIs start with. */
  readonly name: string;
  readonly era: Era | 'dual';
}

/** The era in which a server is spoken to on behalf of a caller: its caller's, where it speaks both. */
export const eraOf = ({ era }: South, north: Era): Era => (era === 'dual' ? north : era);

export interface North {
  readonly name: string;
  readonly era: Era;
  open(): Promise<RawClient>;
}

export interface Road extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly norths: readonly North[];
  readonly souths: readonly South[];
}

const MAIN = join(fileURLToPath(new URL('../../..', import.meta.url)), 'src/main.ts');
/** Room for the huge strings of the full run. */
const MAX_BYTES = 256 * 1024 * 1024;

const HTTP: Readonly<Record<string, HttpUpstreamOptions>> = {
  'http-json-legacy': { era: 'legacy' },
  'http-json-modern': { era: 'modern' },
  'http-sse-legacy': { era: 'legacy', respond: 'sse' },
  'http-sse-modern': { era: 'modern', respond: 'sse' },
  'http-json-dual': { era: 'dual', announceAll: true },
  'http-sse-dual': { era: 'dual', announceAll: true, respond: 'sse' },
  'sse-legacy': { transport: 'sse' },
};

const SOUTHS = ['stdio-legacy', 'stdio-modern', ...Object.keys(HTTP)].map((name): South => ({
  name,
  era: name.slice(name.lastIndexOf('-') + 1) as South['era'],
}));

async function startServers(stack: AsyncDisposableStack): Promise<Servers> {
  const servers: Record<string, Record<string, unknown>> = {};
  for (const { name, era } of SOUTHS) {
    const options = HTTP[name];
    if (options === undefined) {
      servers[name] = program('mirror.ts', '--name', name, '--era', era);
    } else {
      const upstream = stack.use(
        await startHttpUpstream({ ...mirrorOptions(name), ...options, record: false }),
      );
      servers[name] = { url: upstream.url, type: options.transport ?? 'http' };
    }
    servers[name] = { ...servers[name], maxMessageBytes: MAX_BYTES };
  }
  return servers;
}

function doors({ url, key, configFile }: GatewayProcess): North[] {
  const headers = { authorization: `Bearer ${key}` };
  const sse = new URL('/sse', url).href;
  const bridge = { command: process.execPath, args: [MAIN, 'stdio', '--config', configFile] };
  return [
    { name: 'modern HTTP', era: 'modern', open: async () => rawModern(url, { headers }) },
    { name: 'legacy HTTP', era: 'legacy', open: () => rawLegacy(url, { headers }) },
    { name: 'SSE', era: 'legacy', open: () => rawSse(sse, { headers }) },
    { name: 'legacy stdio', era: 'legacy', open: () => rawStdio({ ...bridge, era: 'legacy' }) },
    { name: 'modern stdio', era: 'modern', open: () => rawStdio({ ...bridge, era: 'modern' }) },
  ];
}

export async function openRoad(): Promise<Road> {
  const stack = new AsyncDisposableStack();
  const servers = await startServers(stack);
  const gateway = stack.use(
    await startGatewayProcess({
      servers,
      gateway: { maxRequestBytes: MAX_BYTES, logLevel: 'error' },
    }),
  );
  return {
    gateway,
    norths: doors(gateway),
    souths: SOUTHS,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
