// A child process with everything it starts: how it comes up, and that nothing of it stays.
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { findCommand, toStartError } from './command.ts';
import type { CommandRequest, Launch } from './command.ts';
import { createStderrReader } from './stderr.ts';

const isWindows = process.platform === 'win32';

/** How long to wait for what cannot fail: the end of a process after SIGKILL. */
const KILL_WAIT_MS = 5000;
/**
 * How long to read on after the end of the child: something that it started may hold its pipes
 * open.
 */
const DRAIN_MS = 250;
const MAX_POLL_MS = 50;

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The end of stderr, at most 2 KiB, without escape sequences and control characters. */
  readonly stderrTail: string;
}

export interface ProcessOptions extends CommandRequest {
  /** Hears stdout as it comes, never after `onExit`. Must not throw. */
  readonly onStdout: (chunk: Buffer) => void;
  /** Hears once that the child has ended, for whatever reason. Must not throw. */
  readonly onExit: (info: ProcessExit) => void;
  /** Hears lines of stderr: at most 8 KiB of each and 100 a second. Must not throw. */
  readonly onStderrLine: (line: string) => void;
  /** How long each step of `stop` waits for the child. Default 2000. */
  readonly graceMs?: number;
}

/** @returns whether the promise has settled within the time */
async function settles(promise: Promise<unknown>, withinMs: number): Promise<boolean> {
  const timeout = new AbortController();
  const late = delay(withinMs, false, { signal: timeout.signal }).catch(() => false);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    timeout.abort();
  }
}

/**
 * Whether all members of a process group have ended and only wait for their parent to notice, which
 * in a container without an init may be never.
 */
async function isGroupDefunct(group: number): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const names = await readdir('/proc').catch(() => []);
  const ids = names.filter((name) => /^\d+$/.test(name));
  const stats = ids.map((id) => readFile(`/proc/${id}/stat`, 'latin1').catch(() => ''));
  // proc_pid_stat(5): pid (name) state ppid pgrp …, and the name may hold anything.
  const fields = (await Promise.all(stats)).map((text) =>
    text.slice(text.lastIndexOf(')') + 2).split(' '),
  );
  const members = fields.filter(([, , pgrp]) => pgrp === String(group));
  return members.length > 0 && members.every(([state]) => state === 'Z' || state === 'X');
}

/** Runs `onExit` when the gateway's process exits, until disposed. */
function onGatewayExit(onExit: () => void): Disposable {
  // One listener a child is meant here, so the limit that warns of leaks moves along.
  const shiftLimit = (by: number) => {
    const limit = process.getMaxListeners();
    if (limit > 0) process.setMaxListeners(Math.max(limit + by, 1));
  };
  shiftLimit(1);
  process.once('exit', onExit);
  return {
    [Symbol.dispose]() {
      process.off('exit', onExit);
      shiftLimit(-1);
    },
  };
}

/** The child and all of its process group; on Windows, the child and its descendants. */
class ProcessGroup {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #id: number;
  /**
   * Seen empty, or given up: the number may become a stranger's, so it is never signalled again.
   */
  #isEmpty = false;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#id = child.pid!;
  }

  get #isLeaderGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Signals every member; 0 only asks whether there is one. */
  signal(signal: NodeJS.Signals | 0): void {
    if (this.#isEmpty) return;
    if (isWindows) return this.#signalTree(signal);
    try {
      process.kill(-this.#id, signal);
    } catch (error) {
      // EPERM: there are members, but of another user. While the leader is there, its number is not
      // given away.
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ESRCH';
      if (isMissing && this.#isLeaderGone) this.#isEmpty = true;
    }
  }

  #signalTree(signal: NodeJS.Signals | 0): void {
    // Without its root the tree cannot be found any more; without groups there is nothing else to
    // go by.
    if (this.#isLeaderGone) this.#isEmpty = true;
    else if (signal !== 0) {
      const args = ['/pid', String(this.#id), '/t', '/f'];
      spawn('taskkill', args, { stdio: 'ignore', windowsHide: true }).once('error', () => {
        this.#child.kill();
      });
    }
  }

  /** What is left now cannot be ended, not even by SIGKILL. */
  giveUp(): void {
    this.#isEmpty = true;
  }

  /** Nothing tells of the end of a process that is not one's own child, so this has to look. */
  async isEmptyWithin(ms: number): Promise<boolean> {
    const deadline = performance.now() + ms;
    for (let pollMs = 1; ; pollMs = Math.min(pollMs * 2, MAX_POLL_MS)) {
      this.signal(0);
      if (this.#isEmpty) return true;
      if (pollMs === MAX_POLL_MS && (await isGroupDefunct(this.#id))) this.#isEmpty = true;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return this.#isEmpty;
      await delay(Math.min(pollMs, leftMs));
    }
  }
}

/** A running child. It ends by `stop`, or by itself; either way what it started ends too. */
export class ChildProcessHandle implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #group: ProcessGroup;
  readonly #graceMs: number;
  readonly #exited: Promise<unknown>;
  readonly #gone: Promise<unknown>;
  #stopping: Promise<void> | undefined;

  /** Use `startProcess`. The child must have been spawned just now. */
  constructor(child: ChildProcessWithoutNullStreams, options: ProcessOptions) {
    this.pid = child.pid!;
    this.#child = child;
    this.#group = new ProcessGroup(child);
    this.#graceMs = options.graceMs ?? 2000;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
    const exitHook = onGatewayExit(() => this.#group.signal('SIGKILL'));
    const swept = this.#exited.then(() => this.#sweep()).finally(() => exitHook[Symbol.dispose]());
    this.#gone = Promise.all([swept, this.#report(options)]);
    child.on('error', () => {});
    // A server that cannot be written to, or cannot answer, is of no more use; its end tells
    // everyone.
    child.stdin.on('error', () => void this.stop());
    child.stdout.on('error', () => {}).once('close', () => void this.stop());
    child.stderr.on('error', () => {});
    child.stdout.on('data', options.onStdout);
  }

  /** Bytes written but not yet taken by the system. */
  get pendingBytes(): number {
    return this.#child.stdin.writableLength;
  }

  /** @returns false when stdin is closed: then nothing of the frame has been sent. */
  write(frame: Buffer): boolean {
    if (!this.#child.stdin.writable) return false;
    this.#child.stdin.write(frame);
    return true;
  }

  /**
   * Closes stdin, after `graceMs` sends SIGTERM, after `graceMs` more SIGKILL; once the child is
   * gone, the rest of its group goes the same way. Resolves when all of it is gone and `onExit` was
   * called.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Ends the whole group at once. Resolves as `stop` does. */
  kill(): Promise<void> {
    this.#group.signal('SIGKILL');
    return this.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#child.stdin.end();
    if (!(await settles(this.#exited, this.#graceMs))) {
      this.#group.signal('SIGTERM');
      if (!(await settles(this.#exited, this.#graceMs))) this.#group.signal('SIGKILL');
    }
    await settles(this.#gone, this.#graceMs + 2 * KILL_WAIT_MS);
  }

  /** Ends what is left of the group when the child has gone. */
  async #sweep(): Promise<void> {
    if (await this.#group.isEmptyWithin(0)) return;
    this.#group.signal('SIGTERM');
    if (await this.#group.isEmptyWithin(this.#graceMs)) return;
    this.#group.signal('SIGKILL');
    if (!(await this.#group.isEmptyWithin(KILL_WAIT_MS))) this.#group.giveUp();
  }

  async #report({ onExit, onStderrLine }: ProcessOptions): Promise<void> {
    const child = this.#child;
    const stderr = createStderrReader({ onLine: onStderrLine });
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const closed = new Promise((resolve) => child.once('close', resolve));
    await this.#exited;
    await settles(closed, DRAIN_MS);
    // If the event loop was blocked meanwhile, what is in the pipes is only read now, after the
    // timers.
    await nextTurn();
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
    child.stdout.removeAllListeners('data');
    child.stderr.removeAllListeners('data');
    stderr.end();
    onExit({ code: child.exitCode, signal: child.signalCode, stderrTail: stderr.tail() });
  }
}

function spawnGroup({ file, args, env, verbatim }: Launch, cwd: string) {
  return spawn(file, args, {
    cwd,
    env,
    stdio: 'pipe',
    // A group of its own, so that it can be signalled whole. On Windows this would open a console
    // window.
    detached: !isWindows,
    windowsHide: true,
    windowsVerbatimArguments: verbatim,
  });
}

/**
 * Starts a program without a shell, as the leader of a process group. `node` is the Node that runs
 * the gateway; other bare names are looked up on the PATH of `env` and in the usual folders
 * besides.
 * @throws GatewayError UPSTREAM_DOWN when it cannot be started; the text says why and what to do
 */
export async function startProcess(options: ProcessOptions): Promise<ChildProcessHandle> {
  const launch = await findCommand(options);
  try {
    const child = spawnGroup(launch, options.cwd);
    await once(child, 'spawn');
    return new ChildProcessHandle(child, options);
  } catch (error) {
    throw toStartError(options, error);
  }
}
