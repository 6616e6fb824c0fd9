// The only maker of outbound HTTP: pools with keep-alive, addresses checked once they are resolved,
// no redirects followed, no credentials of one origin sent to another.
import { lookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';
import { GatewayError } from '../core/errors.ts';
import { createAddressRules } from './addresses.ts';
import type { AddressRules } from './addresses.ts';

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface HttpRequest {
  readonly url: URL | string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** Hears an answer piece by piece. Exactly one of `onEnd` and `onError` comes last. */
export interface ResponseSink {
  onHead(status: number, headers: ResponseHeaders): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** `sent`: bytes of the request may have reached the server. */
  onError(error: Error, sent: boolean): void;
}

export interface Exchange {
  /** Ends the exchange; the sink hears `onError` with this reason unless it has ended. */
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Readable;
}

export interface HttpClient extends AsyncDisposable {
  /** Sends a request; the answer goes to the sink. */
  send(request: HttpRequest, sink: ResponseSink): Exchange;
  /** The same for callers that want a stream. @throws GatewayError ADDRESS_REFUSED, or the socket's error */
  request(request: HttpRequest & { readonly signal?: AbortSignal }): Promise<HttpResponse>;
}

export interface HttpClientOptions {
  /** Guarded addresses that may be reached all the same. Default: none. */
  readonly allowAddresses?: readonly string[];
  /** Connections for each origin. Default 256. */
  readonly connections?: number;
  /** Milliseconds to connect. Default 10,000. */
  readonly connectTimeoutMs?: number;
}

const refused = (host: string): GatewayError =>
  new GatewayError(
    'ADDRESS_REFUSED',
    `${host} is a link-local or metadata address. Name it in "allowAddresses" if it is meant.`,
  );

/** Resolves once and connects to an address that was checked: no second answer of the name can slip in. */
function checkedLookup(rules: AddressRules): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '', 0);
      const usable = addresses.filter(({ address }) => rules.allows(address));
      if (usable.length === 0) return callback(refused(hostname), '', 0);
      if (options.all) return callback(null, usable);
      return callback(null, usable[0]!.address, usable[0]!.family);
    });
  };
}

export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const rules = createAddressRules(options.allowAddresses);
  const agent = new Agent({
    connections: options.connections ?? 256,
    // Deadlines are the calls' own: a tool may be silent for as long as its timeout allows.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4_000,
    connect: { timeout: options.connectTimeoutMs ?? 10_000, lookup: checkedLookup(rules) },
  });
  const placeOf = createPlaces(rules);
  return {
    send: (request, sink) => dispatch(agent, placeOf, request, sink),
    async request({ signal, ...request }) {
      const { statusCode, headers, body } = await agent.request({
        ...placeOf(request.url),
        ...partsOf(request),
        ...(signal ? { signal } : {}),
      });
      // Whoever reads the body hears of its failure; one that is thrown away must not end the process.
      body.on('error', () => {});
      return { status: statusCode, headers, body };
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

interface Place {
  readonly origin: string;
  readonly path: string;
}

type PlaceOf = (url: URL | string) => Place;

/** Where a URL leads, its address checked where it is a literal. The last one is kept: most calls have the same. */
function createPlaces(rules: AddressRules): PlaceOf {
  let lastHref = '';
  let last: Place | undefined;
  return (url) => {
    const href = typeof url === 'string' ? url : url.href;
    if (last && href === lastHref) return last;
    const { hostname, origin, pathname, search } = new URL(href);
    const literal = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
    if (isIP(literal) !== 0 && !rules.allows(literal)) throw refused(literal);
    lastHref = href;
    last = { origin, path: pathname + search };
    return last;
  };
}

const partsOf = ({ method, headers, body }: HttpRequest) => ({
  method,
  headers: headers as Record<string, string>,
  body: body ?? null,
});

function dispatch(
  agent: Agent,
  placeOf: PlaceOf,
  request: HttpRequest,
  sink: ResponseSink,
): Exchange {
  let control: Dispatcher.DispatchController | undefined;
  let aborted: Error | undefined;
  let done = false;
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      control = controller;
      if (aborted) controller.abort(aborted);
    },
    onResponseStart: (_controller, status, headers) => sink.onHead(status, headers),
    onResponseData: (_controller, chunk) => sink.onData(chunk),
    onResponseEnd() {
      done = true;
      sink.onEnd();
    },
    onResponseError(_controller, error) {
      if (done) return;
      done = true;
      // Without a controller the request never left the queue: no connection could be had for it.
      sink.onError(error, control !== undefined);
    },
  };
  try {
    const { origin, path } = placeOf(request.url);
    const { method, headers, body = null } = request;
    agent.dispatch(
      { origin, path, method, headers: headers as Record<string, string>, body, idempotent: false },
      handler,
    );
  } catch (error) {
    done = true;
    process.nextTick(() => sink.onError(error as Error, false));
  }
  return {
    abort(reason) {
      if (done || aborted) return;
      aborted = reason;
      if (control) control.abort(reason);
      else {
        done = true;
        sink.onError(reason, false);
      }
    },
    pause: () => control?.pause(),
    resume: () => control?.resume(),
  };
}
