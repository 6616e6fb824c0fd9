// Drives tool calls over a number of connections, each with an id of its own, and prints what it saw as JSON.
//   node load.ts --url … --calls 20000 --connections 32 [--era modern|legacy] [--tool echo] [--key k]
//     [--arguments json] [--method tools/list] [--warmup n] [--header 'name: value' …]
import { parseArgs } from 'node:util';
import { type Dispatcher, Pool } from 'undici';

export interface LoadOptions {
  readonly url: string;
  readonly calls: number;
  readonly connections: number;
  /** Calls before those that are measured. */
  readonly warmup?: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The request without its id: what stands before and after it. */
  readonly body: readonly [string, string];
}

export interface LoadReport {
  readonly calls: number;
  readonly seconds: number;
  readonly callsPerSecond: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly errors: number;
  /** The start of the first answer that was wrong. */
  readonly firstError?: string;
}

const VERSION = '2026-07-28';
const LEGACY = '2025-11-25';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

function post(
  pool: Pool,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let received: Answer['headers'] = {};
    let text = '';
    const handler: Dispatcher.DispatchHandler = {
      // Without it undici takes the handler for one of its older kind.
      onRequestStart() {},
      onResponseStart(_controller, code, answered) {
        status = code;
        received = answered;
      },
      onResponseData(_controller, chunk) {
        text += chunk.toString('latin1');
      },
      onResponseEnd: () => resolve({ status, headers: received, text }),
      onResponseError: (_controller, error) => reject(error),
    };
    pool.dispatch({ path, method: 'POST', headers, body }, handler);
  });
}

function isRight({ status, text }: Answer, id: number): boolean {
  if (status !== 200 || !text.includes('"result"')) return false;
  return text.includes(`"id":${id},`) || text.includes(`"id":${id}}`);
}

const at = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { url, calls, connections, warmup = 0, headers, body } = options;
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: 60_000 });
  const latencies = new Float64Array(calls);
  let errors = 0;
  let firstError: string | undefined;
  let id = 1;
  let seen = 0;

  const wrong = (what: string): void => {
    errors++;
    firstError ??= what.slice(0, 300);
  };
  const callOnce = async (): Promise<void> => {
    const own = id++;
    const started = performance.now();
    try {
      const answer = await post(pool, pathname, headers, `${body[0]}${own}${body[1]}`);
      if (!isRight(answer, own)) wrong(`${answer.status} ${answer.text}`);
    } catch (error) {
      wrong(String(error));
    }
    if (seen < calls) latencies[seen] = performance.now() - started;
    seen++;
  };
  const drive = async (count: number): Promise<void> => {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await callOnce();
    };
    await Promise.all(Array.from({ length: connections }, worker));
  };

  await drive(warmup);
  errors = 0;
  firstError = undefined;
  seen = 0;
  const started = performance.now();
  await drive(calls);
  const seconds = (performance.now() - started) / 1000;
  await pool.close();
  latencies.sort();
  return {
    calls,
    seconds,
    callsPerSecond: calls / seconds,
    p50: at(latencies, 0.5),
    p99: at(latencies, 0.99),
    max: at(latencies, 1),
    errors,
    ...(firstError === undefined ? {} : { firstError }),
  };
}

export interface TemplateOptions {
  readonly era: 'modern' | 'legacy';
  readonly method: string;
  readonly tool: string;
  /** Raw JSON. */
  readonly arguments: string;
}

/** The usual headers and the body around the id. A legacy session's id is not in them. */
export function templateOf(options: TemplateOptions): Pick<LoadOptions, 'headers' | 'body'> {
  const { era, method, tool } = options;
  const called = method === 'tools/call';
  const named = called ? `"name":${JSON.stringify(tool)},"arguments":${options.arguments}` : '';
  const meta =
    era === 'legacy'
      ? ''
      : `"_meta":{"io.modelcontextprotocol/protocolVersion":"${VERSION}","io.modelcontextprotocol/clientCapabilities":{}}`;
  const params = [meta, named].filter((part) => part !== '').join(',');
  const mirrored = { 'mcp-method': method, ...(called ? { 'mcp-name': tool } : {}) };
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': era === 'modern' ? VERSION : LEGACY,
      ...(era === 'modern' ? mirrored : {}),
    },
    body: ['{"jsonrpc":"2.0","id":', `,"method":"${method}","params":{${params}}}`],
  };
}

/** Shakes hands as a legacy client. @returns the header that names the session, if there is one. */
export async function openSession(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin);
  const hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"${LEGACY}","capabilities":{},"clientInfo":{"name":"load","version":"1.0.0"}}}`;
  const answer = await post(pool, pathname, headers, hello);
  if (answer.status !== 200) throw new Error(`initialize: ${answer.status} ${answer.text}`);
  const id = answer.headers['mcp-session-id'];
  const session: Record<string, string> = typeof id === 'string' ? { 'mcp-session-id': id } : {};
  const ready = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
  await post(pool, pathname, { ...headers, ...session }, ready);
  await pool.close();
  return session;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      calls: { type: 'string', default: '10000' },
      connections: { type: 'string', default: '32' },
      warmup: { type: 'string', default: '0' },
      era: { type: 'string', default: 'modern' },
      method: { type: 'string', default: 'tools/call' },
      tool: { type: 'string', default: 'echo' },
      arguments: { type: 'string', default: '{"path":"/tmp","depth":3,"pattern":"*.ts"}' },
      key: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] },
    },
  });
  if (values.url === undefined) throw new Error('--url is missing');
  const era = values.era === 'legacy' ? 'legacy' : 'modern';
  const { method, tool, arguments: args, key } = values;
  const template = templateOf({ era, method, tool, arguments: args });
  const extra = values.header.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  const headers = {
    ...template.headers,
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(Object.fromEntries(extra) as Record<string, string>),
  };
  const session = era === 'legacy' ? await openSession(values.url, headers) : {};
  const report = await runLoad({
    url: values.url,
    calls: Number(values.calls),
    connections: Number(values.connections),
    warmup: Number(values.warmup),
    headers: { ...headers, ...session },
    body: template.body,
  });
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

if (import.meta.main) await main();
