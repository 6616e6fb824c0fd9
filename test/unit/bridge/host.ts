// A host at the other end of the bridge: writes lines, reads lines.
import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';
import type { Log } from '../../../src/core/log.ts';
import type { Endpoint } from '../../../src/bridge/link.ts';
import { runStdioBridge } from '../../../src/bridge/bridge.ts';
import { createHttpClient } from '../../../src/net/http-client.ts';

export interface Host extends AsyncDisposable {
  /** Writes a line: text as it is, anything else as JSON. */
  send(message: unknown): void;
  readonly lines: string[];
  /** The first line, written or to come, that the predicate likes. */
  line(predicate: (message: any, text: string) => boolean): Promise<string>;
  /** The answer to a request. */
  answer(id: unknown): Promise<any>;
  readonly input: PassThrough;
  readonly output: PassThrough;
  /** Settles when the bridge has ended. */
  readonly ended: Promise<void>;
  readonly log: string[];
}

export interface HostOptions {
  readonly endpoint: () => Promise<Endpoint>;
  readonly maxMessageBytes?: number;
  readonly drainMs?: number;
  readonly reopenMs?: number;
  readonly signal?: AbortSignal;
}

export function startHost(options: HostOptions): Host {
  const http = createHttpClient();
  const input = new PassThrough();
  const output = new PassThrough();
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: output }).on('line', (line) => {
    lines.push(line);
    for (const wake of waiting) wake();
  });
  const log: string[] = [];
  const note = (facts: object, text: string) => log.push(`${text} ${JSON.stringify(facts)}`);
  const logger: Log = { debug: note, info: note, warn: note, error: note };
  const ended = runStdioBridge({
    input,
    output,
    endpoint: options.endpoint,
    http,
    log: logger,
    signal: options.signal ?? new AbortController().signal,
    maxMessageBytes: options.maxMessageBytes ?? 1_048_576,
    ...(options.reopenMs === undefined ? {} : { reopenMs: options.reopenMs }),
    ...(options.drainMs === undefined ? {} : { drainMs: options.drainMs }),
  });
  const line: Host['line'] = (predicate) =>
    new Promise((resolve) => {
      const look = () => {
        const found = lines.find((text) => predicate(JSON.parse(text), text));
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return {
    send: (message) =>
      void input.write(
        `${typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...(message as object) })}\n`,
      ),
    lines,
    line,
    answer: async (id) =>
      JSON.parse(await line((message) => message.id === id && message.method === undefined)),
    input,
    output,
    ended,
    log,
    async [Symbol.asyncDispose]() {
      input.end();
      await ended;
      await http[Symbol.asyncDispose]();
    },
  };
}

export const INITIALIZE = {
  id: 'init',
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'host', version: '1' },
  },
};

export async function initialize(host: Host): Promise<void> {
  host.send(INITIALIZE);
  await host.answer('init');
  host.send({ method: 'notifications/initialized' });
}

export const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

export const modern = (id: unknown, method: string, params: object = {}) => ({
  id,
  method,
  params: { ...params, _meta: ENVELOPE },
});
