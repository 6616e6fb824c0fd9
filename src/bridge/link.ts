// The bridge's way to its gateway: which one it is now, and what a broken connection means.
import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError, isGatewayError, reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { HttpClient, HttpResponse } from '../net/http-client.ts';

/** Where a gateway listens, and the key that it takes. */
export interface Endpoint {
  /** The MCP endpoint. */
  readonly url: string;
  readonly key: string;
}

export interface LinkRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly signal: AbortSignal;
}

export interface Link {
  /** The gateway in use; finds one when there is none. @throws GatewayError */
  current(signal: AbortSignal): Promise<Endpoint>;
  /**
   * Sends one request, once. A failure makes the next `current` look for a gateway anew.
   * @throws GatewayError GATEWAY_NOT_RUNNING when nothing was sent, UPSTREAM_LOST when it may have been
   */
  send(endpoint: Endpoint, request: LinkRequest): Promise<HttpResponse>;
  /**
   * Runs an attempt again when its request was never sent, or when it is `safe` to send it twice.
   * @throws GatewayError
   */
  retrying<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T>;
}

export interface RetryOptions {
  /** Lists and reads; never tools/call, which may have run. */
  readonly safe: boolean;
  readonly signal: AbortSignal;
}

export interface LinkOptions {
  /** Finds the gateway, or becomes it. */
  readonly endpoint: () => Promise<Endpoint>;
  readonly http: Pick<HttpClient, 'request'>;
  readonly log: Log;
}

/** Before the second and the third attempt. */
const PAUSES_MS = [50, 400];

/** Finding may mean to wait for another process, or to start a gateway in this one. */
const FIND_DEADLINE_MS = 60_000;

/** Failures to connect. What fails in this way has carried no byte of a request. */
const CONNECT_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export function createLink({ endpoint: find, http, log }: LinkOptions): Link {
  let known: Promise<Endpoint> | undefined;
  let last: Endpoint | undefined;

  const lookUp = async (): Promise<Endpoint> => {
    const found = await find();
    if (last && !isSameEndpoint(last, found))
      log.info({ url: found.url }, 'another gateway is used');
    // The same object as long as it is the same gateway: sessions are kept by it.
    if (!last || !isSameEndpoint(last, found)) last = found;
    return last;
  };
  const current = (signal: AbortSignal): Promise<Endpoint> => {
    if (!known) {
      const looking = lookUp();
      known = looking;
      looking.catch(() => {
        if (known === looking) known = undefined;
      });
    }
    return within(known, FIND_DEADLINE_MS, signal, () => notFound());
  };
  const send = async (endpoint: Endpoint, { signal, headers, ...rest }: LinkRequest) => {
    const found = known;
    try {
      return await http.request({
        ...rest,
        url: endpoint.url,
        headers: { ...headers, authorization: `Bearer ${endpoint.key}` },
        signal,
      });
    } catch (error) {
      if (signal.aborted) throw error;
      // Not when another request has found a gateway meanwhile.
      if (known === found) known = undefined;
      throw toLinkError(error, endpoint);
    }
  };
  return { current, send, retrying };
}

async function retrying<T>({ safe, signal }: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !isGatewayError(error)) throw error;
      const again =
        error.code === 'GATEWAY_NOT_RUNNING' || (safe && error.code === 'UPSTREAM_LOST');
      if (!again) throw error;
      await wait(pauseMs, undefined, { signal });
    }
  }
  return attempt();
}

function toLinkError(error: unknown, { url }: Endpoint): GatewayError {
  if (isGatewayError(error)) return error;
  return isNeverSent(error)
    ? new GatewayError(
        'GATEWAY_NOT_RUNNING',
        `No gateway answers at ${url} (${reasonOf(error)}). The request was not sent. Start it with ` +
          '`toolgate serve`, or check the address, and call again.',
        { cause: error },
      )
    : lostError(`the connection to ${url} broke: ${reasonOf(error)}`, error);
}

const notFound = (): GatewayError =>
  new GatewayError(
    'GATEWAY_NOT_RUNNING',
    `No gateway was found or started within ${FIND_DEADLINE_MS / 1000} seconds. The request was not ` +
      'sent. `toolgate check` says what is wrong.',
  );

/** A gateway that went away between the request and its answer. */
export const lostError = (what: string, cause?: unknown): GatewayError =>
  new GatewayError(
    'UPSTREAM_LOST',
    `The gateway went away before it answered (${what}). The call may have run: check what it did ` +
      'before you call again.',
    { cause },
  );

/** Whether the error, or what is behind it, is a failure to connect. Judged by codes only. */
function isNeverSent(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 4) return false;
  const { code, syscall, cause } = error as { code?: unknown; syscall?: unknown; cause?: unknown };
  if (syscall === 'connect' || (typeof code === 'string' && CONNECT_CODES.has(code))) return true;
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.every((each) => isNeverSent(each, depth + 1));
  }
  return isNeverSent(cause, depth + 1);
}

const isSameEndpoint = (a: Endpoint, b: Endpoint): boolean => a.url === b.url && a.key === b.key;

/** The outcome of a promise that others wait for too, unless the signal or the deadline comes first. */
export async function within<T>(
  promise: Promise<T>,
  deadlineMs: number,
  signal: AbortSignal,
  late: () => Error,
): Promise<T> {
  signal.throwIfAborted();
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => reject(late()), deadlineMs);
  try {
    return await Promise.race([promise, cut]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
