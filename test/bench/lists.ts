// tools/list of 512 tools that 16 servers have together.
import { startGatewayProcess } from '../support/gateway.ts';
import { cpuPerCall, drive, script } from './calls.ts';
import { startProgram } from './program.ts';
import type { Row } from './stats.ts';

const SERVERS = 16;
const TOOLS = 512;

export async function benchLists(rounds: number, calls: number): Promise<Row[]> {
  const flags = ['--tools', `${TOOLS / SERVERS}`, '--count', `${SERVERS}`];
  await using upstream = await startProgram(script('upstream.ts'), ...flags);
  const urls = upstream.firstLine.split(' ');
  const servers = Object.fromEntries(urls.map((url, i) => [`server${i}`, { url }]));
  await using gateway = await startGatewayProcess({ servers });
  const load = { url: gateway.url, key: gateway.key, method: 'tools/list', era: 'modern' } as const;
  await drive({ ...load, calls: 200, connections: 8 });
  const cpu: number[] = [];
  const latency: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const busy = await cpuPerCall(gateway.child.pid ?? 0, { ...load, calls, connections: 8 });
    cpu.push(busy.micros);
    latency.push((await drive({ ...load, calls: calls / 4, connections: 1 })).p50);
  }
  const what = `tools/list of ${TOOLS} tools over ${SERVERS} servers`;
  return [
    { what: `${what}: median latency at 1 connection`, values: latency, unit: 'ms' },
    { what: `${what}: CPU per list`, values: cpu, unit: 'µs' },
  ];
}
