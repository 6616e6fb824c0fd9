// All legacy sessions: makes them, finds them for their owner, and ends those that nobody uses.
import { randomBytes } from 'node:crypto';
import type { Door } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import type { View } from '../gateway/gateway.ts';
import type { Context } from './context.ts';
import { changedLists, concerns } from './listen.ts';
import { Session } from './session.ts';

const ID_BYTES = 24;
const MAX_SWEEP_MS = 30_000;
const MIN_SWEEP_MS = 10;

export interface Owner {
  readonly principal: Principal;
  readonly scope: string | undefined;
  readonly narrow: View['narrow'];
  readonly door: Door;
}

export class Sessions implements AsyncDisposable {
  readonly #context: Context;
  readonly #idleMs: number;
  readonly #byId = new Map<string, Session>();
  readonly #onChange: Disposable;
  readonly #sweeper: NodeJS.Timeout;

  constructor(context: Context) {
    this.#context = context;
    this.#idleMs = context.config.sessionSeconds * 1000;
    this.#onChange = context.gateway.listChanged.on((change) => {
      const lists = changedLists(change.kinds);
      for (const session of this.#byId.values()) {
        if (!session.client || !concerns(change, session.view.scope)) continue;
        for (const list of lists) session.tellListChanged(list);
      }
    });
    const period = Math.max(MIN_SWEEP_MS, Math.min(this.#idleMs / 4, MAX_SWEEP_MS));
    this.#sweeper = setInterval(() => this.#sweep(), period).unref();
  }

  get size(): number {
    return this.#byId.size;
  }

  /** @throws GatewayError TOO_MANY_SESSIONS, SHUTTING_DOWN */
  create({ principal, scope, narrow, door }: Owner): Session {
    this.#context.calls.assertOpen();
    const { maxSessions } = this.#context.config;
    if (this.#byId.size >= maxSessions) this.#sweep();
    if (this.#byId.size >= maxSessions) {
      throw new GatewayError(
        'TOO_MANY_SESSIONS',
        `All ${maxSessions} sessions are in use (\`gateway.maxSessions\`). Idle ones end by themselves.`,
      );
    }
    const id = randomBytes(ID_BYTES).toString('base64url');
    const session = new Session({ id, principal, scope, narrow, door, log: this.#context.log });
    this.#byId.set(id, session);
    return session;
  }

  /**
   * The session of an id, for the one it was made for, at the endpoint it was made at, with what its owner
   * may see now. Ended, unknown and foreign ids are told alike.
   * @throws GatewayError SESSION_MISSING, SESSION_UNKNOWN
   */
  find(id: string | undefined, { principal, scope, narrow, door }: Owner): Session {
    if (id === undefined || id === '') {
      throw new GatewayError(
        'SESSION_MISSING',
        'The request needs the header Mcp-Session-Id with what initialize returned.',
      );
    }
    const session = this.#byId.get(id);
    const view = session?.view;
    if (
      !session ||
      session.ended ||
      view?.principal.id !== principal.id ||
      view.scope !== scope ||
      session.door !== door
    ) {
      throw new GatewayError(
        'SESSION_UNKNOWN',
        'The session has ended or never was. Initialize again.',
      );
    }
    session.touch();
    session.view = { principal, era: 'legacy', scope, narrow };
    return session;
  }

  async end(session: Session): Promise<void> {
    this.#byId.delete(session.id);
    await session[Symbol.asyncDispose]();
  }

  #sweep(): void {
    const before = performance.now() - this.#idleMs;
    for (const session of this.#byId.values()) {
      if (session.usedAt <= before && !session.busy) void this.end(session);
    }
  }

  /** @param principal only those of this one */
  async endAll(principal?: string): Promise<void> {
    await Promise.all(this.#of(principal).map((session) => this.end(session)));
  }

  #of(principal?: string): Session[] {
    const all = [...this.#byId.values()];
    return all.filter(({ view }) => principal === undefined || view.principal.id === principal);
  }

  /** What its sessions listen to is judged anew, and they are told to look at the lists again. */
  renew(principal: Principal): void {
    const { gateway, log } = this.#context;
    for (const session of this.#of(principal.id)) {
      session.view = { ...session.view, principal };
      for (const list of ['tools', 'prompts', 'resources'] as const) session.tellListChanged(list);
      session
        .resubscribe((uri, hear) => gateway.subscribe(session.view, uri, hear))
        .catch((error: unknown) => log.warn({ err: error }, 'subscriptions did not end cleanly'));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    this.#onChange[Symbol.dispose]();
    await this.endAll();
  }
}
