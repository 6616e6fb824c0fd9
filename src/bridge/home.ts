// Which gateway a data directory has: the one that runs already, else this process. The lock decides, so
// that there is never a second one; `gateway.json` and `/livez` say where the first one is.
import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError } from '../core/errors.ts';
import type { HttpClient } from '../net/http-client.ts';
import { readGatewayFile, removeGatewayFile } from '../storage/data-directory.ts';
import type { GatewayFile } from '../storage/data-directory.ts';
import { acquireLock } from '../storage/lock.ts';
import type { Lock } from '../storage/lock.ts';
import { discard } from './answer.ts';
import type { Endpoint } from './link.ts';

/** The gateway that this process has become. Disposing it stops it and removes `gateway.json`. */
export interface OwnGateway extends Endpoint, AsyncDisposable {}

export interface HomeOptions {
  /** The data directory, which exists. */
  readonly directory: string;
  /**
   * Starts the gateway, its loopback listener included, and writes `gateway.json`. Called again only when
   * it failed. The lock is held until the gateway has been disposed, and freed by the home.
   */
  readonly become: (lock: Lock) => Promise<OwnGateway>;
  /** The local key of the gateway that another process runs. */
  readonly readKey: () => Promise<string>;
  readonly http: Pick<HttpClient, 'request'>;
  /** Path of the MCP endpoint. Default `/mcp`. */
  readonly path?: string;
  /** Milliseconds for the owner of the lock to answer. Default 10,000. */
  readonly deadlineMs?: number;
}

export interface Home extends AsyncDisposable {
  /**
   * The gateway of the data directory now. Asked again after it has gone, this process may take over.
   * @throws GatewayError GATEWAY_NOT_RUNNING when the owner of the lock does not answer, and what `become`
   * throws
   */
  readonly endpoint: () => Promise<Endpoint>;
  /** This process is the gateway. */
  readonly isOwner: boolean;
}

const DEFAULT_DEADLINE_MS = 10_000;
const PROBE_DEADLINE_MS = 2_000;
const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 250;

export function createHome(options: HomeOptions): Home {
  const over = new AbortController();
  let own: OwnGateway | undefined;
  let lock: Lock | undefined;
  let finding: Promise<Endpoint> | undefined;

  const find = async (): Promise<Endpoint> => {
    const deadline = Date.now() + (options.deadlineMs ?? DEFAULT_DEADLINE_MS);
    let owner: GatewayFile | undefined;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      over.signal.throwIfAborted();
      lock = await acquireLock(options.directory);
      if (lock) return become(lock);
      owner = await readGatewayFile(options.directory);
      if (owner && (await isLive(owner, options.http, over.signal))) return join(owner, options);
      if (Date.now() >= deadline) throw silentOwner(options.directory, owner);
      // Nothing tells when a lock is freed by a death, so it is asked for again.
      await wait(pauseMs, undefined, { signal: over.signal });
    }
  };
  const become = async (held: Lock): Promise<Endpoint> => {
    try {
      // One that was killed has left its file; its port may be another program's by now.
      await removeGatewayFile(options.directory);
      own = await options.become(held);
      return own;
    } catch (error) {
      lock = undefined;
      await held[Symbol.asyncDispose]();
      throw error;
    }
  };
  return {
    get isOwner() {
      return own !== undefined;
    },
    endpoint() {
      if (own) return Promise.resolve(own);
      if (!finding) {
        const found = find();
        finding = found;
        const done = () => {
          finding = undefined;
        };
        found.then(done, done);
      }
      return finding;
    },
    async [Symbol.asyncDispose]() {
      over.abort(closed());
      await finding?.catch(() => {});
      // The lock comes last: the next owner must find neither our listener nor our file.
      await own?.[Symbol.asyncDispose]();
      own = undefined;
      await lock?.[Symbol.asyncDispose]();
    },
  };
}

/** A gateway that was killed leaves its file behind, so it counts only as long as somebody answers. */
async function isLive(
  { url }: GatewayFile,
  http: HomeOptions['http'],
  over: AbortSignal,
): Promise<boolean> {
  const signal = AbortSignal.any([over, AbortSignal.timeout(PROBE_DEADLINE_MS)]);
  try {
    const request = { url: new URL('/livez', url), method: 'GET', headers: {}, signal } as const;
    const response = await http.request(request);
    await discard(response);
    return response.status === 200;
  } catch {
    return false;
  }
}

const join = async ({ url }: GatewayFile, options: HomeOptions): Promise<Endpoint> => ({
  url: new URL(options.path ?? '/mcp', url).href,
  key: await options.readKey(),
});

const silentOwner = (directory: string, owner: GatewayFile | undefined): GatewayError =>
  new GatewayError(
    'GATEWAY_NOT_RUNNING',
    owner
      ? `The gateway of ${directory} (process ${owner.pid}, ${owner.url}) does not answer. Stop that ` +
          'process, or wait until it has stopped, and call again.'
      : `Another process has the data directory ${directory}, but its gateway has not started. Call ` +
          'again in a moment, or stop that process.',
  );

const closed = (): GatewayError => new GatewayError('SHUTTING_DOWN', 'The bridge is stopping.');
