// The responses that each principal has open, so that they can be closed when its key no longer counts.
import type { ServerResponse } from 'node:http';

export class OpenResponses {
  readonly #byPrincipal = new Map<string, Set<ServerResponse>>();

  add(principal: string, res: ServerResponse): void {
    const open = this.#byPrincipal.get(principal) ?? new Set();
    if (open.size === 0) this.#byPrincipal.set(principal, open);
    open.add(res);
    res.on('close', () => {
      open.delete(res);
      if (open.size === 0 && this.#byPrincipal.get(principal) === open) {
        this.#byPrincipal.delete(principal);
      }
    });
  }

  /** Closes those that are open now, unless they have ended by themselves by then. */
  closeAfter(principal: string, graceMs: number): void {
    const open = [...(this.#byPrincipal.get(principal) ?? [])];
    if (open.length === 0) return;
    setTimeout(() => {
      for (const res of open) if (!res.closed) res.destroy();
    }, graceMs).unref();
  }
}
