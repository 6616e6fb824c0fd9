// What another process costs, from Linux's /proc.
import { readFileSync } from 'node:fs';

/** Ticks a second in /proc/<pid>/stat; 100 on every Linux that Node runs on. */
const TICKS = 100;

export interface CpuTime {
  readonly userMs: number;
  readonly systemMs: number;
}

/** CPU time of a process since it began, all its threads together; children are not in it. */
export function cpuOf(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The program's name stands in brackets and may hold spaces: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ms = (field: number): number => (Number(fields[field]) * 1000) / TICKS;
  return { userMs: ms(11), systemMs: ms(12) };
}

/** Resident memory in bytes. */
export function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`Process ${pid} has no memory any more.`);
  return Number(kilobytes) * 1024;
}

export interface Measured<T> extends CpuTime {
  readonly result: T;
  /** User and system together. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

/** Runs something and tells what it cost a process meanwhile, to 10 ms. */
export async function measureCpu<T>(pid: number, run: () => Promise<T>): Promise<Measured<T>> {
  const before = cpuOf(pid);
  const started = performance.now();
  const result = await run();
  const wallMs = performance.now() - started;
  const after = cpuOf(pid);
  const userMs = after.userMs - before.userMs;
  const systemMs = after.systemMs - before.systemMs;
  return { result, userMs, systemMs, cpuMs: userMs + systemMs, wallMs };
}
