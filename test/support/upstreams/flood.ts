// Sends without end what nobody asked for: when called, or from the start.
//   node flood.ts [--kind notifications|progress|log|stderr|stdout|changes|questions]
import { parseArgs } from 'node:util';
import { toolOf } from './echo.ts';
import { runUpstream } from './raw.ts';
import { type Outlet, type RawCall, type Reply, textResult } from './raw/call.ts';
import type { RawServerOptions } from './raw/server.ts';

export const FLOOD_KINDS = [
  'notifications',
  'progress',
  'log',
  'stderr',
  'stdout',
  'changes',
  'questions',
] as const;
export type FloodKind = (typeof FLOOD_KINDS)[number];

/** So many before others get their turn. */
const BATCH = 50;

const notification = (method: string, params: string): string =>
  `{"jsonrpc":"2.0","method":"${method}","params":${params}}`;

const FROM_ITSELF: Record<FloodKind, (n: number, filler: string) => string> = {
  notifications: (n, filler) => notification('notifications/x-flood', `{"n":${n},"f":"${filler}"}`),
  progress: (n) => notification('notifications/progress', `{"progressToken":${n},"progress":${n}}`),
  log: (n, filler) =>
    notification('notifications/message', `{"level":"info","data":"${n}${filler}"}`),
  changes: () => notification('notifications/tools/list_changed', '{}'),
  questions: (n) => `{"jsonrpc":"2.0","id":"flood${n}","method":"roots/list","params":{}}`,
  stdout: (n, filler) => `not JSON at all ${n} ${filler}`,
  stderr: (n, filler) => `flood ${n} ${filler}\n`,
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Flood {
  readonly kind: FloodKind;
  readonly outlet: Outlet;
  readonly count: number;
  readonly filler: string;
  readonly stopped: () => boolean;
  readonly call?: RawCall;
}

function sendOne({ kind, outlet, filler, call }: Flood, n: number): boolean {
  if (kind === 'stderr') return process.stderr.write(FROM_ITSELF.stderr(n, filler));
  if (call !== undefined && kind === 'progress') call.progress(n, undefined, filler);
  else if (call !== undefined && kind === 'log') call.log('info', `"${n}${filler}"`);
  else return outlet.send(FROM_ITSELF[kind](n, filler));
  return true;
}

async function flood(options: Flood): Promise<number> {
  let n = 0;
  while (n < options.count && !options.stopped()) {
    for (let i = 0; i < BATCH && n < options.count; i++) sendOne(options, ++n);
    await options.outlet.drained();
    await turn();
  }
  return n;
}

async function floodReply(call: RawCall): Promise<Reply> {
  const { kind = 'progress', count = Infinity, bytes = 100 } = call.args;
  const n = await flood({
    kind: kind as FloodKind,
    count: Number(count),
    filler: 'x'.repeat(Number(bytes)),
    outlet: call.outlet,
    stopped: () => call.signal.aborted,
    call,
  });
  return textResult(`${n} sent`);
}

/** The tool `flood` {kind, count, bytes} sends so many, without `count` until it is cancelled. */
export function floodOptions(): RawServerOptions {
  const properties = {
    kind: { enum: FLOOD_KINDS },
    count: { type: 'number' },
    bytes: { type: 'number' },
  };
  return {
    serverInfo: '{"name":"flood","version":"1.0.0"}',
    tools: {
      flood: toolOf('flood', 'Floods its caller.', properties, floodReply),
      quick: toolOf('quick', 'Answers at once.', {}, () => textResult('quick')),
    },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { kind: { type: 'string' } }, strict: false });
  const kind = FLOOD_KINDS.find((known) => known === values.kind);
  let begun = false;
  const begin = (line: string, outlet: Outlet): boolean => {
    // The flood begins with the first message, so that there is somebody to read it.
    if (!begun && kind !== undefined && line !== '') {
      begun = true;
      const filler = 'x'.repeat(100);
      void flood({ kind, outlet, count: Infinity, filler, stopped: () => false });
    }
    return false;
  };
  await runUpstream({ ...floodOptions(), stdio: { intercept: begin } });
}
