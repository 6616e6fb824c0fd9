// Starts the programs of a benchmark as processes of their own.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** The first line that it printed: for a server its URL. */
  readonly firstLine: string;
}

/** Starts a script of this repository with this Node. @returns once it has printed a line. */
export async function startProgram(file: string, ...args: string[]): Promise<Program> {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout });
  const firstLine = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`${file} ended with ${code} before it spoke.`)));
  });
  return {
    pid: child.pid ?? 0,
    firstLine,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
