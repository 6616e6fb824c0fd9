// A REST caller of the gateway, as an application's code is.
import { loadAdminKey } from '../../src/identity/local-key.ts';
import type { TestGateway } from './gateway.ts';

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly raw: string;
  readonly json: any;
}

export type Rest = (
  method: string,
  path: string,
  body?: unknown,
  headers?: object,
) => Promise<RestAnswer>;

export const restOf =
  (base: string, key: string): Rest =>
  async (method, path, body, headers = {}) => {
    const response = await fetch(base + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const raw = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return {
      status: response.status,
      headers: response.headers,
      raw,
      json: isJson ? JSON.parse(raw) : undefined,
    };
  };

export async function adminOf({ base, directory }: TestGateway): Promise<Rest> {
  return restOf(base, await loadAdminKey(directory));
}

/** A key made over REST. */
export async function makeKey(
  gateway: TestGateway,
  name: string,
  fields: object = {},
): Promise<string> {
  const admin = await adminOf(gateway);
  const { status, json, raw } = await admin('POST', '/v1/mcp/keys', {
    name,
    tools: ['*'],
    ...fields,
  });
  if (status !== 201) throw new Error(raw);
  return json.secret as string;
}

/** Resolves with the next approval that is asked for. */
export async function nextApproval(
  gateway: TestGateway,
): Promise<{ id: Promise<string>; close: () => void }> {
  const stop = new AbortController();
  const response = await fetch(`${gateway.base}/v1/mcp/approvals/events`, {
    headers: { authorization: `Bearer ${await loadAdminKey(gateway.directory)}` },
    signal: stop.signal,
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const read = async (): Promise<string> => {
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error('the stream ended');
      text += value;
      const found = /event: created\ndata: (.*)\n/.exec(text)?.[1];
      if (found) return (JSON.parse(found) as { id: string }).id;
    }
  };
  const id = read();
  id.catch(() => undefined);
  return { id, close: () => stop.abort() };
}
