// tools/call through the gateway and through the plain proxy, in turns: CPU per call, rate, latency, memory.
import { fileURLToPath } from 'node:url';
import { startGatewayProcess } from '../support/gateway.ts';
import type { GatewayProcess } from '../support/gateway.ts';
import { measureCpu, rssOf } from './cpu.ts';
import type { LoadReport } from './load.ts';
import { startProgram } from './program.ts';
import type { Program } from './program.ts';
import type { Row } from './stats.ts';

export const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

type Era = 'modern' | 'legacy';

export interface Counts {
  readonly rounds: number;
  /** Calls of one round at 32 connections. */
  readonly calls: number;
  /** Calls of one round at one connection. */
  readonly singleCalls: number;
}

const CONNECTIONS = 32;
const WARMUP = 5_000;
const MEBIBYTE = 2 ** 20;

export interface Load {
  readonly url: string;
  readonly era: Era;
  readonly calls: number;
  readonly connections: number;
  readonly tool?: string;
  readonly method?: string;
  readonly key?: string;
}

/** Drives a load from a process of its own. @throws when an answer was wrong */
export async function drive({
  url,
  era,
  calls,
  connections,
  tool,
  method,
  key,
}: Load): Promise<LoadReport> {
  const args = [
    '--url',
    url,
    '--era',
    era,
    '--calls',
    `${calls}`,
    '--connections',
    `${connections}`,
  ];
  if (tool !== undefined) args.push('--tool', tool);
  if (method !== undefined) args.push('--method', method);
  if (key !== undefined) args.push('--key', key);
  await using load = await startProgram(script('load.ts'), ...args);
  const report = JSON.parse(load.firstLine) as LoadReport;
  if (report.errors > 0)
    throw new Error(`${report.errors} wrong answers, the first: ${report.firstError}`);
  return report;
}

interface Lane {
  readonly name: string;
  readonly pid: number;
  readonly load: Omit<Load, 'calls' | 'connections'>;
}

interface Sample {
  readonly cpuMicros: number;
  readonly rate: number;
}

async function sample(lane: Lane, calls: number): Promise<Sample> {
  const load = { ...lane.load, calls, connections: CONNECTIONS };
  const { cpuMs, result } = await measureCpu(lane.pid, () => drive(load));
  return { cpuMicros: (cpuMs * 1000) / calls, rate: result.callsPerSecond };
}

/** Both servers are the same program: the gateway is told which era to speak with each. */
async function startAll(stack: AsyncDisposableStack) {
  const upstream = stack.use(await startProgram(script('upstream.ts')));
  const floor = stack.use(await startProgram(script('floor.ts'), '--target', upstream.firstLine));
  const url = upstream.firstLine;
  const servers = { modern: { url, era: 'modern' }, legacy: { url, era: 'legacy' } };
  const gateway = stack.use(await startGatewayProcess({ servers }));
  return { upstream, floor, gateway };
}

const floorLane = (floor: Program, era: Era): Lane => ({
  name: `floor, ${era}`,
  pid: floor.pid,
  load: { url: floor.firstLine, era, tool: 'echo' },
});

const gatewayLane = ({ child, url, key }: GatewayProcess, era: Era, server: Era): Lane => ({
  name: `gateway, ${era} caller to ${server} server`,
  pid: child.pid ?? 0,
  load: { url, key, era, tool: `${server}__echo` },
});

/** The lanes in turns, the other way round in every second round. */
async function inTurns(
  lanes: readonly Lane[],
  { rounds, calls }: Counts,
): Promise<Map<Lane, Sample[]>> {
  const samples = new Map<Lane, Sample[]>(lanes.map((lane) => [lane, []]));
  for (const lane of lanes) await sample(lane, WARMUP);
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? lanes : lanes.toReversed();
    for (const lane of order) samples.get(lane)!.push(await sample(lane, calls));
  }
  return samples;
}

export async function benchCalls(counts: Counts): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const { floor, gateway, upstream } = await startAll(stack);
  const pid = gateway.child.pid ?? 0;
  const idle = rssOf(pid) / MEBIBYTE;
  const floors = { modern: floorLane(floor, 'modern'), legacy: floorLane(floor, 'legacy') };
  const same = {
    modern: gatewayLane(gateway, 'modern', 'modern'),
    legacy: gatewayLane(gateway, 'legacy', 'legacy'),
  };
  const across = {
    modern: gatewayLane(gateway, 'modern', 'legacy'),
    legacy: gatewayLane(gateway, 'legacy', 'modern'),
  };
  const lanes = [
    floors.modern,
    same.modern,
    across.modern,
    floors.legacy,
    same.legacy,
    across.legacy,
  ];
  const samples = await inTurns(lanes, counts);
  const ratio = (lane: Lane, to: Lane): number[] =>
    samples.get(lane)!.map(({ cpuMicros }, i) => cpuMicros / samples.get(to)![i]!.cpuMicros);
  const eras: readonly Era[] = ['modern', 'legacy'];
  return [
    ...eras.map((era) => ({
      what: `**CPU ratio to the floor, ${era} caller and server**`,
      values: ratio(same[era], floors[era]),
      unit: '×',
      target: 2,
    })),
    ...eras.map((era) => ({
      what: `CPU ratio to the floor, ${era} caller, server of the other era`,
      values: ratio(across[era], floors[era]),
      unit: '×',
    })),
    ...lanes.map((lane) => ({
      what: `CPU per call: ${lane.name}`,
      values: samples.get(lane)!.map(({ cpuMicros }) => cpuMicros),
      unit: 'µs',
    })),
    ...lanes.map((lane) => ({
      what: `calls a second: ${lane.name}`,
      values: samples.get(lane)!.map(({ rate }) => rate),
      unit: '/s',
    })),
    { what: 'RSS of the gateway, idle', values: [idle], unit: 'MiB' },
    { what: 'RSS of the gateway, after these loads', values: [rssOf(pid) / MEBIBYTE], unit: 'MiB' },
    {
      what: 'RSS of the floor, after these loads',
      values: [rssOf(floor.pid) / MEBIBYTE],
      unit: 'MiB',
    },
    ...(await latencyRows(upstream, floors, same, counts)),
  ];
}

/** What a call takes longer than straight to the server, one at a time. */
async function latencyRows(
  upstream: Program,
  floors: Record<Era, Lane>,
  same: Record<Era, Lane>,
  { rounds, singleCalls }: Counts,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const era of ['modern', 'legacy'] as const) {
    const direct: number[] = [];
    const added = { floor: [] as number[], gateway: [] as number[] };
    const p50 = async (load: Lane['load']): Promise<number> =>
      (await drive({ ...load, calls: singleCalls, connections: 1 })).p50 * 1000;
    for (let round = 0; round < rounds; round++) {
      const base = await p50({ url: upstream.firstLine, era, tool: 'echo' });
      direct.push(base);
      added.floor.push((await p50(floors[era].load)) - base);
      added.gateway.push((await p50(same[era].load)) - base);
    }
    rows.push(
      { what: `median latency at 1 connection, ${era}: direct`, values: direct, unit: 'µs' },
      { what: `added by the floor, ${era}`, values: added.floor, unit: 'µs' },
      { what: `added by the gateway, ${era}`, values: added.gateway, unit: 'µs' },
    );
  }
  return rows;
}

/** CPU of one process per call while a load runs: for other parts of the benchmark. */
export async function cpuPerCall(
  pid: number,
  load: Load,
): Promise<{ micros: number; report: LoadReport }> {
  const { cpuMs, result } = await measureCpu(pid, () => drive(load));
  return { micros: (cpuMs * 1000) / load.calls, report: result };
}
