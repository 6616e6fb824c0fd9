// What a route of the HTTP house is: everything about it is said where it is declared, who may use it above all.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Principal, Role } from '../core/principal.ts';

export interface Asked {
  /** What stands for the `:names` of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Empty where the route takes none. */
  readonly body: Buffer;
  /** Aborts when the caller goes away before the answer. */
  readonly signal: AbortSignal;
}

export interface AskedBy extends Asked {
  readonly principal: Principal;
}

export interface Answer {
  readonly status: number;
  /** An object is sent as JSON; bytes are JSON already, unless a content-type says otherwise. */
  readonly body?: object | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on: takes the response over, head included. */
export interface Taken {
  readonly take: (res: ServerResponse) => void;
}

interface Declared {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'ALL';
  /** In the words of Express: `/v1/mcp/keys/:id`. */
  readonly path: string;
  /** The largest JSON body that is taken; absent: none is read. */
  readonly maxBodyBytes?: number;
  /** The body is a form of one of our own pages instead of JSON: the handler must see to it that it is (`pages/`). */
  readonly form?: true;
}

export interface PublicRoute extends Declared {
  /** Nobody is asked for a key. */
  readonly access: 'anyone';
  readonly handle: (asked: Asked) => Answer | Taken | Promise<Answer | Taken>;
}

export interface KeyRoute extends Declared {
  /** caller: any valid key; an admin may do what an approver may. */
  readonly access: Role;
  readonly handle: (asked: AskedBy) => Answer | Taken | Promise<Answer | Taken>;
}

export type Route = PublicRoute | KeyRoute;
export type Access = Route['access'];
