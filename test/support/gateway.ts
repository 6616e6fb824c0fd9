// The real gateway for tests: in this process on a free port, or as a process of its own.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApp } from '../../src/app.ts';
import type { App } from '../../src/app.ts';
import { environment, loadConfigText } from '../../src/config/load.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

/** Entries of the configuration file, as a person writes them. `autoExecute` is added: later every call is asked for. */
export type Servers = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface GatewayOptions {
  readonly servers: Servers;
  readonly naming?: Readonly<Record<string, unknown>>;
  /** Of the configuration's `gateway`. */
  readonly gateway?: Readonly<Record<string, unknown>>;
  /** More of the configuration's top level: `keys`, `approvals`, … */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default: a fresh one that is removed at the end. */
  readonly directory?: string;
  /** Default: silent. */
  readonly logLevel?: string;
  /** Return before the servers have connected. */
  readonly impatient?: boolean;
  /** Of a gateway that is a process of its own; default: what this process has. */
  readonly env?: NodeJS.ProcessEnv;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const support = (name: string): string => join(ROOT, 'test/support/upstreams', name);

/** A stdio server of test/support/upstreams. */
export const program = (name: string, ...args: string[]): Readonly<Record<string, unknown>> => ({
  command: 'node',
  args: [support(name), '--transport', 'stdio', ...args],
});

export function configText(
  { servers, naming, gateway, config }: GatewayOptions,
  directory: string,
): string {
  const all = Object.entries(servers).map(([name, entry]) => [
    name,
    { autoExecute: ['*'], ...entry },
  ]);
  return JSON.stringify({
    mcpServers: Object.fromEntries(all),
    ...(naming ? { naming } : {}),
    ...config,
    gateway: { port: 0, data: directory, drainSeconds: 5, ...gateway },
  });
}

export interface TestGateway extends AsyncDisposable {
  readonly app: App;
  /** Of the merged endpoint. */
  readonly url: string;
  /** Without a path. */
  readonly base: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Applies another configuration as a saved file would. */
  reload(options: GatewayOptions): Promise<void>;
}

export const temporaryDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'toolgate-'));

export async function startGateway(options: GatewayOptions): Promise<TestGateway> {
  const directory = options.directory ?? (await temporaryDirectory());
  const file = join(directory, 'servers.json');
  const load = (one: GatewayOptions) => loadConfigText(file, configText(one, directory));
  const app = await createApp({
    loaded: await load(options),
    environment: environment(),
    log: createLogger({ level: options.logLevel ?? 'silent', readable: false, color: false }),
    storage: 'disk',
  });
  if (!options.impatient) await app.ready;
  return {
    app,
    url: app.url,
    base: new URL(app.url).origin,
    key: app.key,
    headers: { authorization: `Bearer ${app.key}` },
    directory,
    async reload(next) {
      app.reload(await load(next));
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface GatewayProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
  readonly key: string;
  readonly directory: string;
  readonly configFile: string;
  /** What it wrote to stderr so far. */
  readonly log: () => string;
}

/** `toolgate serve` as its user starts it. */
export async function startGatewayProcess(options: GatewayOptions): Promise<GatewayProcess> {
  const directory = options.directory ?? (await temporaryDirectory());
  const configFile = join(directory, 'servers.json');
  await writeFile(configFile, configText(options, directory));
  const child = spawn(
    process.execPath,
    [join(ROOT, 'src/main.ts'), 'serve', '--config', configFile],
    {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.env === undefined ? {} : { env: options.env }),
    },
  );
  let out = '';
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const facts = await new Promise<{ url: string; key: string }>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const url = /URL\s+(\S+)/.exec(out)?.[1];
      const key = /Key\s+(\S+)/.exec(out)?.[1];
      if (url && key) resolve({ url, key });
    });
    child.once('exit', (code) => reject(new Error(`the gateway exited with ${code}: ${log}`)));
  });
  return {
    child,
    ...facts,
    directory,
    configFile,
    log: () => log,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The counts that the issue names, or smaller ones for `npm test`. */
export const count = (full: number, quick: number): number =>
  process.env['TOOLGATE_TEST_FULL'] === '1' ? full : quick;
