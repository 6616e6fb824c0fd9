// Runs `toolgate` as a person at a terminal does: a process of its own, in a folder of its own.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');

/** Absolute paths, so that the working directory does not matter. */
export const MAIN = join(ROOT, 'src/main.ts');
const ECHO = join(ROOT, 'test/support/upstreams/echo.ts');

/** The command line of a server that has every kind of tool. */
export const ECHO_COMMAND = ['node', ECHO, '--transport', 'stdio'] as const;

export const ECHO_SERVER = { command: 'node', args: ECHO_COMMAND.slice(1), autoExecute: ['*'] };

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export type Variables = Readonly<Record<string, string>>;

export interface Home extends AsyncDisposable {
  readonly path: string;
  /** Runs `toolgate` here. */
  toolgate(...args: readonly string[]): Promise<Ran>;
  /** The same with environment variables set. */
  toolgateWith(variables: Variables, ...args: readonly string[]): Promise<Ran>;
  /** What the child's environment would be. */
  environment(variables?: Variables): Record<string, string>;
  read(file: string): Promise<string>;
  write(file: string, content: unknown): Promise<void>;
}

/** A longer wait than any command of the tests needs; then it is killed, and its code is null. */
const LIMIT_MS = 60_000;

export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Variables,
): Promise<Ran> {
  const child = spawn(command, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

/** A fresh folder that is working directory, home and data directory. */
export async function createHome(servers?: object): Promise<Home> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'toolgate-')));
  const environment = (variables: Variables = {}): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    HOME: path,
    TOOLGATE_DATA: join(path, 'data'),
    ...variables,
  });
  const toolgateWith = (variables: Variables, ...args: readonly string[]): Promise<Ran> =>
    run(process.execPath, [MAIN, ...args], path, environment(variables));
  const write = (file: string, content: unknown): Promise<void> =>
    writeFile(join(path, file), typeof content === 'string' ? content : JSON.stringify(content));
  if (servers) await write('servers.json', { mcpServers: servers, gateway: { port: 0 } });
  return {
    path,
    environment,
    toolgateWith,
    toolgate: (...args) => toolgateWith({}, ...args),
    read: (file) => readFile(join(path, file), 'utf8'),
    write,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
