// What the fault suites share: how a call ended, and waits that have a deadline.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { ERRORS } from '../../src/core/errors.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { textAt } from '../support/json-text.ts';
import {
  type RawClient,
  type RawReply,
  rawLegacy,
  rawModern,
  rawSse,
} from '../support/raw-client.ts';

/** How a call ended: in a result, or in an error that the gateway's own table has. */
export interface Outcome {
  readonly code: ErrorCode | undefined;
  /** Text of the first content. */
  readonly text: string;
  /** Milliseconds from the request to its answer. */
  readonly ms: number;
  /** performance.now() of the answer. */
  readonly at: number;
}

interface ToolResult {
  readonly content?: readonly { readonly text?: string }[];
  readonly isError?: boolean;
  readonly _meta?: { readonly 'io.toolgate/error'?: { readonly code: string } };
}

function codeOf({ message, result, error }: RawReply): ErrorCode | undefined {
  if (error !== undefined) {
    const code = textAt(error, 'data', 'code');
    assert.ok(code !== undefined, `an error without a code of the gateway: ${message}`);
    return known(JSON.parse(code) as string);
  }
  const { isError, _meta } = JSON.parse(result ?? '{}') as ToolResult;
  const code = _meta?.['io.toolgate/error']?.code;
  assert.equal(isError === true, code !== undefined, `isError and the code differ: ${message}`);
  return code === undefined ? undefined : known(code);
}

function known(code: string): ErrorCode {
  assert.ok(Object.hasOwn(ERRORS, code), `${code} is not in the table of errors`);
  return code as ErrorCode;
}

const firstText = ({ result, error }: RawReply): string =>
  error === undefined
    ? ((JSON.parse(result ?? '{}') as ToolResult).content?.[0]?.text ?? '')
    : (JSON.parse(textAt(error, 'message') ?? '""') as string);

/** Calls a tool and tells how it ended; it fails only where the gateway gave no proper answer. */
export async function callTool(
  client: RawClient,
  name: string,
  args: object = {},
  meta = '',
): Promise<Outcome> {
  const params = `{"name":${JSON.stringify(name)},"arguments":${JSON.stringify(args)}${meta}}`;
  const startedAt = performance.now();
  const reply = await client.request('tools/call', params);
  const at = performance.now();
  return { code: codeOf(reply), text: firstText(reply), ms: at - startedAt, at };
}

/** For what has a promised time: a busy machine may be late, so it gets a few tries. */
export async function inTime(
  fits: (ms: number) => boolean,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  for (let tries = 1; ; tries++) {
    const outcome = await run();
    if (fits(outcome.ms) || tries === 5) return outcome;
  }
}

/** Of a call that must go well. */
export async function mustCall(
  client: RawClient,
  name: string,
  args: object = {},
): Promise<string> {
  const { code, text } = await callTool(client, name, args);
  assert.equal(code, undefined, `${name}: ${text}`);
  return text;
}

/** The process that an echo upstream runs in. */
export const pidOf = async (client: RawClient, tool: string): Promise<number> =>
  (JSON.parse(await mustCall(client, tool)) as { pid: number }).pid;

/** Waits for a promise, at most so long. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what}: not within ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks again and again until something holds. @returns what it was told at last */
export async function until<T>(
  what: string,
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  deadlineMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await wait(5);
  }
}

/** Runs so many workers until the first of them fails or all are done. */
export const workers = (count: number, work: (worker: number) => Promise<void>): Promise<void[]> =>
  Promise.all(Array.from({ length: count }, (_, worker) => work(worker)));

/** Memory of a process, in bytes; undefined where the system does not tell. */
export function residentBytes(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}

interface Reachable {
  readonly url: string;
  readonly key: string;
}

export const headersOf = ({ key }: Pick<Reachable, 'key'>) => ({ authorization: `Bearer ${key}` });

export const modernClient = (gateway: Reachable): RawClient =>
  rawModern(gateway.url, { headers: headersOf(gateway) });

export const legacyClient = (gateway: Reachable) =>
  rawLegacy(gateway.url, { headers: headersOf(gateway) });

export const sseClient = (gateway: Reachable) =>
  rawSse(new URL('/sse', gateway.url).href, { headers: headersOf(gateway) });
