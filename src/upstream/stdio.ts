// A child process as upstream: newline-delimited JSON over its stdin and stdout.
import type { Era, Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { createFrameReader, frame } from '../wire/frames.ts';
import { notificationMessage } from '../wire/message.ts';
import type { Connection, ConnectionEvents, Outgoing } from './connection.ts';
import { lost } from './failure.ts';
import { Mux } from './mux.ts';
import { startProcess } from './process.ts';
import type { ChildProcessHandle } from './process.ts';

/** What may wait in the child's stdin before further calls are refused. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

export interface StdioOptions {
  readonly server: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly maxBytes: number;
  readonly events: ConnectionEvents;
  readonly log: Log;
}

export class StdioConnection implements Connection {
  era: Era = 'legacy';
  version = '';
  readonly #mux: Mux;
  #child: ChildProcessHandle | undefined;
  #disposed = false;

  /** @throws GatewayError UPSTREAM_DOWN when the command cannot be started */
  static async start(options: StdioOptions): Promise<StdioConnection> {
    const connection = new StdioConnection(options);
    await connection.#start(options);
    return connection;
  }

  private constructor(options: StdioOptions) {
    const { server, maxBytes, events, log } = options;
    this.#mux = new Mux({
      server,
      maxBytes,
      events,
      log,
      send: (message) => this.#send(server, message),
    });
  }

  async #start(options: StdioOptions): Promise<void> {
    const { server, maxBytes, events, log } = options;
    const reader = createFrameReader({
      maxBytes,
      onFrame: (bytes) => this.#mux.receive(bytes),
      onOversize: ({ head, tail }) => this.#mux.oversize(head, tail),
    });
    this.#child = await startProcess({
      command: options.command,
      args: options.args,
      env: options.env,
      cwd: options.cwd,
      onStdout: (chunk) => reader.push(chunk),
      onStderrLine: (line) => log.debug({ line }, 'stderr'),
      onExit: ({ code, signal, stderrTail }) => {
        const how = signal ? `was ended by ${signal}` : `exited with code ${code}`;
        const tail = stderrTail.trim();
        const error = lost(server, `its process ${how}${tail ? `, saying: ${tail}` : ''}`);
        this.#mux.fail(error);
        if (!this.#disposed) events.onClose(error);
      },
    });
  }

  #send(server: string, message: Buffer): void {
    const child = this.#child;
    if (!child) throw lost(server, 'its process has not started');
    if (child.pendingBytes > MAX_PENDING_BYTES) {
      throw new GatewayError(
        'UPSTREAM_BUSY',
        `Server "${server}" does not read: ${MAX_PENDING_BYTES} bytes wait for it.`,
        { data: { server } },
      );
    }
    if (child.write(frame(message))) return;
    throw new GatewayError(
      'UPSTREAM_DOWN',
      `Server "${server}" is not available: its process is ending.`,
      {
        data: { server },
      },
    );
  }

  request(out: Outgoing): Promise<Message> {
    return this.#mux.request(out);
  }

  notify(message: Buffer): void {
    this.#mux.notify(message);
  }

  opened(era: Era, version: string): void {
    this.era = era;
    this.version = version;
    if (era === 'legacy') this.notify(notificationMessage('notifications/initialized'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#child?.stop();
  }
}
