// Host and Origin of every request: a web page must not reach this gateway by a name of its own (DNS
// rebinding), nor by ours unless its origin is allowed.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { GatewayError } from '../core/errors.ts';

/** More headers than this are refused, for node:http drops what exceeds `maxHeadersCount` silently. */
export const MAX_HEADERS = 200;

export interface GuardOptions {
  /** The address that is listened on. */
  readonly host: string;
  /** The port that is listened on. */
  readonly port: number;
  /** Where a proxy in front shows the gateway, such as `https://tools.example.com`. */
  readonly publicUrl?: string | undefined;
  /** Origins of web pages that may call, such as `https://app.example.com`. */
  readonly allowOrigins?: readonly string[] | undefined;
}

export interface Verdict {
  /** An allowed origin other than the gateway's own, to be told so by CORS headers; else undefined. */
  readonly crossOrigin: string | undefined;
}

/** @throws GatewayError HOST_REFUSED, ORIGIN_REFUSED, REQUEST_INVALID */
export type Guard = (req: IncomingMessage) => Verdict;

const SAME_ORIGIN: Verdict = { crossOrigin: undefined };
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);
const ONE_OF_A_KIND: ReadonlySet<string> = new Set(['host', 'origin', 'authorization']);

export function createGuard(options: GuardOptions): Guard {
  const publicUrl = options.publicUrl === undefined ? undefined : new URL(options.publicUrl);
  const allowedOrigins = new Set(options.allowOrigins ?? []);
  if (publicUrl) allowedOrigins.add(publicUrl.origin);
  const bound = unbracketed(options.host.toLowerCase());
  const isWildcard = WILDCARDS.has(bound);

  const isOurHost = (host: string, req: IncomingMessage): boolean => {
    if (host === publicUrl?.host) return true;
    const name = hostName(host);
    if (name === undefined) return false;
    if (isLoopback(name) || name === publicUrl?.hostname) return true;
    // An address that a name was rebound to is never itself the name: the page's own origin has the name.
    return isWildcard ? isLocalAddress(name, req) : unbracketed(name) === bound;
  };

  const checkOrigin = (origin: string, host: string): Verdict => {
    if (origin === publicUrl?.origin) return SAME_ORIGIN;
    // What the proxy shows under https is another origin under http.
    const behindProxy = publicUrl !== undefined && hostName(host) === publicUrl.hostname;
    if (origin === `http://${host}` && !behindProxy) return SAME_ORIGIN;
    if (allowedOrigins.has(origin)) return { crossOrigin: origin };
    const own = /^http:\/\/(.+):(\d+)$/.exec(origin);
    if (own && isLoopback(own[1]!) && Number(own[2]) === options.port)
      return { crossOrigin: origin };
    throw new GatewayError(
      'ORIGIN_REFUSED',
      `A web page of the origin ${JSON.stringify(origin)} may not call this gateway. ` +
        'Add the origin to `gateway.allowOrigins` if it should.',
    );
  };

  return (req) => {
    assertTarget(req.url ?? '');
    assertHeaders(req.rawHeaders);
    const host = req.headers.host?.toLowerCase() ?? '';
    if (!isOurHost(host, req)) {
      throw new GatewayError(
        'HOST_REFUSED',
        `The Host ${JSON.stringify(host)} names no address of this gateway. ` +
          'If a proxy stands in front, set `gateway.publicUrl`.',
      );
    }
    const { origin } = req.headers;
    return origin === undefined ? SAME_ORIGIN : checkOrigin(origin, host);
  };
}

/** The name in a Host header, in lower case; undefined for one that is no host and port. */
function hostName(host: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?::(\d{1,5}))?$/.exec(host);
  return match && Number(match[2] ?? 0) <= 65_535 ? match[1] : undefined;
}

const unbracketed = (name: string): string => name.replace(/^\[|\]$/g, '');

// Any port: a container or a tunnel may map ours to another one, and the name is what rebinding is about.
const isLoopback = (name: string): boolean =>
  name === 'localhost' || name === '[::1]' || (name.startsWith('127.') && isIP(name) === 4);

function isLocalAddress(name: string, { socket }: IncomingMessage): boolean {
  const local = socket.localAddress?.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, '');
  return local !== undefined && unbracketed(name) === local;
}

function assertHeaders(raw: readonly string[]): void {
  if (raw.length >= 2 * MAX_HEADERS) {
    throw new GatewayError(
      'REQUEST_INVALID',
      `The request has more than ${MAX_HEADERS - 1} headers.`,
    );
  }
  let seen = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const { length } = raw[i]!;
    if (length !== 4 && length !== 6 && length !== 13) continue;
    const name = raw[i]!.toLowerCase();
    if (!ONE_OF_A_KIND.has(name)) continue;
    // The three names differ in length.
    const bit = 1 << length;
    if ((seen & bit) !== 0) {
      const code = name === 'origin' ? 'ORIGIN_REFUSED' : 'REQUEST_INVALID';
      throw new GatewayError(code, `The header ${name} stands more than once.`);
    }
    seen |= bit;
  }
}

// One reading of the path: what another program might read differently is refused.
function assertTarget(target: string): void {
  if (target === '/mcp') return;
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  const odd =
    !path.startsWith('/') ||
    path.startsWith('//') ||
    /[^\x21-\x7e]|[\\#]|%(?:2f|5c|00|2e)|\/\.{1,2}(?:\/|$)/i.test(path) ||
    /[^\x21-\x7e]|#/.test(target);
  if (odd) throw new GatewayError('REQUEST_INVALID', 'The request target is no plain path.');
}
