// Commands that talk REST: to a gateway elsewhere, or to the one that runs on the data directory.
import { environment } from '../config/load.ts';
import { ERRORS, GatewayError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import { loadAdminKey } from '../identity/local-key.ts';
import { createHttpClient } from '../net/http-client.ts';
import type { HttpClient } from '../net/http-client.ts';
import { readGatewayFile } from '../storage/data-directory.ts';
import { isAlive } from './probe.ts';

export type RestMethod = 'GET' | 'POST' | 'DELETE';

export interface RestClient extends AsyncDisposable {
  /** Of the gateway, without a path. */
  readonly url: string;
  /**
   * @param path from `/v1/…` on, encoded
   * @returns the JSON of the answer; undefined when there is none
   * @throws GatewayError with the gateway's own code and words; GATEWAY_NOT_RUNNING
   */
  request(method: RestMethod, path: string, body?: object): Promise<unknown>;
}

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** @param url of the gateway; a path such as `/mcp` is dropped */
export function createRestClient(url: string, key: string): RestClient {
  if (!URL.canParse(url))
    throw new GatewayError('PARAMS_INVALID', `${JSON.stringify(url)} is no URL.`);
  const { origin } = new URL(url);
  const http = createHttpClient();
  return {
    url: origin,
    async request(method, path, body) {
      const { status, text } = await exchange(http, `${origin}${path}`, method, key, body);
      const value = text === '' ? undefined : parse(text, status);
      if (status < 400) return value;
      throw problemOf(value, status);
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

async function exchange(
  http: HttpClient,
  url: string,
  method: RestMethod,
  key: string,
  body: object | undefined,
): Promise<{ status: number; text: string }> {
  const response = await http.request({
    url,
    method,
    headers: {
      accept: 'application/json, application/problem+json',
      authorization: `Bearer ${key}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: Buffer.from(JSON.stringify(body)) } : {}),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES)
      throw new GatewayError('RESULT_TOO_LARGE', 'The answer is too large.');
    chunks.push(chunk);
  }
  return { status: response.status, text: Buffer.concat(chunks).toString() };
}

function parse(text: string, status: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const words = `What answers there is no Toolgate gateway (HTTP ${status}, no JSON).`;
    throw new GatewayError('GATEWAY_NOT_RUNNING', words, { cause: error });
  }
}

/** The error that the gateway told, under its own code. */
function problemOf(value: unknown, status: number): GatewayError {
  const { code, detail } = (value ?? {}) as { code?: unknown; detail?: unknown };
  const known = typeof code === 'string' && Object.hasOwn(ERRORS, code);
  return new GatewayError(
    known ? (code as ErrorCode) : 'GATEWAY_NOT_RUNNING',
    typeof detail === 'string' ? detail : `The gateway answered with HTTP ${status}.`,
  );
}

/** A gateway elsewhere. @throws GatewayError CREDENTIAL_MISSING */
export function joinRemote(url: string, given: string | undefined): RestClient {
  const key = given ?? environment().key;
  if (key === undefined) {
    throw new GatewayError(
      'CREDENTIAL_MISSING',
      '--url needs a key: set TOOLGATE_KEY or give --key.',
    );
  }
  return createRestClient(url, key);
}

/**
 * The gateway that runs on a data directory, as its admin.
 * @param given another key than the admin's
 * @returns undefined when none runs
 */
export async function joinLocal(
  directory: string,
  given?: string,
): Promise<RestClient | undefined> {
  const running = await readGatewayFile(directory);
  if (!running || !(await isAlive(running.url))) return undefined;
  return createRestClient(running.url, given ?? (await loadAdminKey(directory)));
}
