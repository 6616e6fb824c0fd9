import { startProcess } from '../../../src/upstream/process.ts';
import type {
  ChildProcessHandle,
  ProcessExit,
  ProcessOptions,
} from '../../../src/upstream/process.ts';

export interface StartedChild extends AsyncDisposable {
  readonly child: ChildProcessHandle;
  readonly exited: Promise<ProcessExit>;
  readonly stderrLines: readonly string[];
  readonly stdout: () => string;
  /** Resolves with the match once stdout matches; rejects when the child ends before. */
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>;
}

/** Starts `node` with these arguments, or another command, and listens. */
export async function startChild(
  args: readonly string[],
  options: Partial<ProcessOptions> = {},
): Promise<StartedChild> {
  const waiters = new Set<() => void>();
  const exit = Promise.withResolvers<ProcessExit>();
  const stderrLines: string[] = [];
  let stdout = '';
  const child = await startProcess({
    command: 'node',
    args,
    env: {},
    cwd: import.meta.dirname,
    graceMs: 100,
    onStdout: (chunk) => {
      stdout += chunk.toString();
      for (const check of waiters) check();
    },
    onStderrLine: (line) => stderrLines.push(line),
    onExit: exit.resolve,
    ...options,
  });
  return {
    child,
    exited: exit.promise,
    stderrLines,
    stdout: () => stdout,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(stdout);
          if (match) resolve(match);
        };
        waiters.add(check);
        check();
        void exit.promise.then((info) => reject(new Error(`ended: ${JSON.stringify(info)}`)));
      }),
    [Symbol.asyncDispose]: () => child.kill(),
  };
}
