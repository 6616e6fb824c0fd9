// The upstream that most tests use: it gives back exactly what it got, and does on command what a server may do.
//   node echo.ts [--transport stdio|http|sse] [--era …] [--ledger file] [--awkward] [--name n]
import { parseArgs } from 'node:util';
import { textAt } from '../json-text.ts';
import { AWKWARD_PROMPTS, AWKWARD_RESOURCES, AWKWARD_TOOLS, awkwardResults } from '../awkward.ts';
import { addControlTools } from './control.ts';
import { type LedgerWriter, ledgerAt } from './ledger.ts';
import { type RawCall, type Reply, pause, textResult } from './raw/call.ts';
import type {
  RawPrompt,
  RawResource,
  RawServerOptions,
  RawTemplate,
  RawTool,
} from './raw/server.ts';

import { runUpstream } from './raw.ts';

export interface EchoOptions {
  /** Where executions and cancellations are recorded. */
  readonly ledger?: string;
  /** Offer the awkward tool definitions as well. */
  readonly awkward?: boolean;
  /** In the server's own name, and in the result of `whoami`. */
  readonly name?: string;
}

const numberOf = (call: RawCall, key: string, otherwise: number): number => {
  const value = call.args[key];
  return typeof value === 'number' ? value : otherwise;
};

const stringOf = (call: RawCall, key: string, otherwise = ''): string => {
  const value = call.args[key];
  return typeof value === 'string' ? value : otherwise;
};

export const toolOf = (
  name: string,
  description: string,
  properties: object,
  run: RawTool['call'],
): RawTool => ({
  definition: JSON.stringify({ name, description, inputSchema: { type: 'object', properties } }),
  call: run,
});

/** The raw text of the arguments, spliced into the structured result and given as text besides. */
export function echoReply(call: RawCall): Reply {
  const raw = call.rawArguments ?? 'null';
  const text = JSON.stringify(raw);
  return `{"content":[{"type":"text","text":${text}}],"structuredContent":{"echo":${raw}}}`;
}

function rawReply(call: RawCall): Reply {
  if (typeof call.args['json'] === 'string') return call.args['json'];
  const hugeBytes = numberOf(call, 'hugeBytes', 1 << 20);
  const wanted = stringOf(call, 'case');
  const found = awkwardResults({ hugeBytes }).find(({ name }) => name === wanted);
  if (found !== undefined) return found.json;
  return { error: { code: -32602, message: `No awkward result is called '${wanted}'.` } };
}

async function delayReply(call: RawCall, record: LedgerWriter): Promise<Reply> {
  const key = stringOf(call, 'key', call.id);
  record('started', key);
  if (!(await pause(numberOf(call, 'ms', 0), call.signal))) {
    record('cancelled', key);
    return undefined;
  }
  record('finished', key);
  return echoReply(call);
}

async function progressReply(call: RawCall): Promise<Reply> {
  const steps = numberOf(call, 'steps', 3);
  for (let step = 1; step <= steps; step++) {
    if (!(await pause(numberOf(call, 'ms', 0), call.signal))) return undefined;
    call.progress(step, steps, `step ${step}`);
  }
  return textResult(`${steps} steps`);
}

function logReply(call: RawCall): Reply {
  const count = numberOf(call, 'count', 1);
  for (let n = 1; n <= count; n++) {
    call.log(
      stringOf(call, 'level', 'info'),
      JSON.stringify({ n, 'x-data': stringOf(call, 'data') }),
    );
  }
  return textResult('logged');
}

const number = { type: 'number' };
const string = { type: 'string' };

export function echoTools(options: EchoOptions = {}): Record<string, RawTool> {
  const record = ledgerAt(options.ledger);
  const runs = new Map<string, number>();
  const tool = (...parts: Parameters<typeof toolOf>): [string, RawTool] => [
    parts[0],
    toolOf(...parts),
  ];
  const awkward = AWKWARD_TOOLS.map(({ name, json }): [string, RawTool] => [
    name,
    { definition: json, call: echoReply },
  ]);
  return Object.fromEntries([
    tool('echo', 'Gives back its arguments, letter by letter.', {}, echoReply),
    tool(
      'params',
      'Gives back the whole params, letter by letter.',
      {},
      (call) => `{"content":[],"structuredContent":{"params":${call.params}}}`,
    ),
    tool('raw', 'Answers with a chosen result text.', { case: string, json: string }, rawReply),
    tool('delay', 'Answers after a time.', { ms: number, key: string }, (call) =>
      delayReply(call, record),
    ),
    tool('progress', 'Reports progress.', { steps: number, ms: number }, progressReply),
    tool('log', 'Logs.', { level: string, data: string, count: number }, logReply),
    tool(
      'count',
      'Counts how often it ran with a key.',
      { key: string, ms: number },
      async (call) => {
        const key = stringOf(call, 'key');
        record('ran', key);
        runs.set(key, (runs.get(key) ?? 0) + 1);
        await pause(numberOf(call, 'ms', 0), call.signal);
        return `{"content":[{"type":"text","text":"${runs.get(key)}"}],"structuredContent":{"runs":${runs.get(key)},"key":${JSON.stringify(key)}}}`;
      },
    ),
    tool('big', 'Answers with so many bytes.', { bytes: number }, (call) =>
      textResult('x'.repeat(numberOf(call, 'bytes', 1024))),
    ),
    tool(
      'fail',
      'Answers with a tool error.',
      { message: string },
      (call) =>
        `{"isError":true,"content":[{"type":"text","text":${JSON.stringify(stringOf(call, 'message', 'failed'))}}]}`,
    ),
    tool('refuse', 'Answers with a JSON-RPC error.', { code: number, data: {} }, (call) => ({
      error: { code: numberOf(call, 'code', -32000), message: 'refused', data: call.args['data'] },
    })),
    tool('whoami', 'Tells the name and process id of this upstream.', {}, () =>
      textResult(JSON.stringify({ name: options.name ?? 'echo', pid: process.pid })),
    ),
    tool('exit', 'Ends the process in the middle of the call.', { code: number }, (call) =>
      process.exit(numberOf(call, 'code', 1)),
    ),
    ...(options.awkward === true ? awkward : []),
  ]);
}

const prompts: Record<string, RawPrompt> = {
  greet: {
    definition:
      '{"name":"greet","description":"Greets somebody","arguments":[{"name":"who","required":true,"x-hint":1.0}],"x-vendor":-0}',
    get: (call) => {
      const text = JSON.stringify(`Say hello to ${stringOf(call, 'who')}.`);
      return `{"messages":[{"role":"user","content":{"type":"text","text":${text}}}],"x-args":${call.rawArguments ?? 'null'}}`;
    },
  },
  raw_prompt: {
    definition: '{"name":"raw_prompt","arguments":[{"name":"case","required":true}]}',
    get: (call) =>
      AWKWARD_PROMPTS.find(({ name }) => name === stringOf(call, 'case'))?.json ?? {
        error: { code: -32602, message: 'No such case' },
      },
  },
};

const textResource = (uri: string, text: () => string): RawResource => ({
  definition: JSON.stringify({ uri, name: uri, mimeType: 'text/plain', 'x-vendor': { a: 1 } }),
  read: () => JSON.stringify({ contents: [{ uri, mimeType: 'text/plain', text: text() }] }),
});

const templates: RawTemplate[] = [
  {
    definition: '{"uriTemplate":"fixture://text/{text}","name":"text","x-vendor":1.0}',
    matches: (uri) => uri.startsWith('fixture://text/'),
    read: ({ uri }) =>
      JSON.stringify({ contents: [{ uri, text: uri.slice('fixture://text/'.length) }] }),
  },
  {
    definition: '{"uriTemplate":"fixture://awkward/{case}","name":"awkward"}',
    matches: (uri) => uri.startsWith('fixture://awkward/'),
    read: ({ uri, params }) => {
      const wanted = decodeURIComponent(uri.slice('fixture://awkward/'.length));
      const found = AWKWARD_RESOURCES.find(({ name }) => name === wanted);
      if (found === undefined) return { error: { code: -32602, message: 'No such case' } };
      return found.json.replace('"URI"', textAt(params, 'uri') ?? 'null');
    },
  },
];

/** Everything an upstream can offer; hand it to `startHttpUpstream` or `runUpstream`. */
export function echoOptions(options: EchoOptions = {}): RawServerOptions {
  const name = options.name ?? 'echo';
  return {
    serverInfo: JSON.stringify({ name, version: '1.0.0', 'x-build': { n: 1 } }),
    instructions: `Instructions of ${name}.`,
    tools: echoTools(options),
    prompts,
    resources: {
      'fixture://static': textResource('fixture://static', () => `static text of ${name}`),
      'fixture://live': textResource('fixture://live', () => String(performance.now())),
    },
    templates,
    complete: (call) => {
      const argument = textAt(call.params, 'argument', 'value') ?? '""';
      return `{"completion":{"values":[${argument},"${name}"],"total":2,"hasMore":false},"x-ref":${textAt(call.params, 'ref')}}`;
    },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { ledger: { type: 'string' }, awkward: { type: 'boolean' }, name: { type: 'string' } },
    strict: false,
  });
  const { ledger, name } = values;
  const server = await runUpstream(
    echoOptions({
      awkward: values.awkward === true,
      ...(typeof ledger === 'string' ? { ledger } : {}),
      ...(typeof name === 'string' ? { name } : {}),
    }),
  );
  addControlTools(server);
}
