// `GET /v1/mcp/approvals/events`: what happens in the approval queue, as it happens, to those whom it concerns.
import type { ServerResponse } from 'node:http';
import type { Emitter } from '../../core/emitter.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import type { ApprovalEvent } from '../../policy/proposal.ts';
import { formatEvent, KEEP_ALIVE } from '../../wire/sse.ts';
import type { KeyRoute } from '../route.ts';
import { maySee, shownApproval } from './approvals.ts';
import type { ApprovalDesk } from './approvals.ts';

/** Whose key counts, and when that changes. */
export interface KeyWatch {
  readonly changed: Emitter<{ readonly id: string; readonly ended: boolean }>;
  /** As it is now; undefined: it no longer counts. */
  principal(id: string): Principal | undefined;
}

const KEEP_ALIVE_MS = 15_000;
/** A reader that is so far behind is let go; it can read the queue anew. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
const MAX_STREAMS = 20;

interface Stream {
  principal: Principal;
  readonly res: ServerResponse;
}

export class ApprovalFeed implements Disposable {
  readonly #desk: ApprovalDesk;
  readonly #streams = new Set<Stream>();
  readonly #watches: readonly Disposable[];
  readonly #timer: NodeJS.Timeout;

  constructor(desk: ApprovalDesk, keys: KeyWatch) {
    this.#desk = desk;
    this.#watches = [
      desk.approvals.events.on((event) => this.#tell(event)),
      keys.changed.on(({ id, ended }) => this.#follow(id, ended ? undefined : keys.principal(id))),
    ];
    this.#timer = setInterval(() => {
      for (const { res } of this.#streams) res.write(KEEP_ALIVE);
    }, KEEP_ALIVE_MS).unref();
  }

  get routes(): readonly KeyRoute[] {
    return [
      {
        method: 'GET',
        path: '/v1/mcp/approvals/events',
        access: 'caller',
        handle: ({ principal }) => {
          this.#assertRoom(principal);
          return { take: (res) => this.#open(principal, res) };
        },
      },
    ];
  }

  #assertRoom({ id }: Principal): void {
    const own = [...this.#streams].filter(({ principal }) => principal.id === id);
    if (own.length < MAX_STREAMS) return;
    throw new GatewayError(
      'TOO_MANY_STREAMS',
      `This key has ${MAX_STREAMS} streams of approvals. Close some.`,
    );
  }

  #open(principal: Principal, res: ServerResponse): void {
    res.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    res.write(KEEP_ALIVE);
    const stream: Stream = { principal, res };
    this.#streams.add(stream);
    res.on('error', () => undefined);
    res.on('close', () => this.#streams.delete(stream));
  }

  #tell({ kind, approval }: ApprovalEvent): void {
    for (const { principal, res } of this.#streams) {
      if (!maySee(principal, approval)) continue;
      const data = Buffer.from(
        JSON.stringify(shownApproval(principal, approval, this.#desk.url())),
      );
      res.write(formatEvent(data, { event: kind }));
      if (res.writableLength > MAX_BACKLOG_BYTES) res.destroy();
    }
  }

  #follow(id: string, now: Principal | undefined): void {
    for (const stream of this.#streams) {
      if (stream.principal.id !== id) continue;
      if (now) stream.principal = now;
      else stream.res.destroy();
    }
  }

  /** Ends the streams: they would hold up the end of the server. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const watch of this.#watches) watch[Symbol.dispose]();
    for (const { res } of this.#streams) res.end();
  }
}
