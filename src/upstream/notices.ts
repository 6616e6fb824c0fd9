// What an upstream is asked to tell: list changes and resource updates, in either era.
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { errorCodeOf } from '../wire/era.ts';
import { createBackoff } from './backoff.ts';
import type { Connection, ServerCapabilities } from './connection.ts';
import { ownRequest } from './handshake.ts';
import type { ClientInfo } from './handshake.ts';

const METHOD_NOT_FOUND = -32601;
/** Changes of the union within this time become one new listen request. */
const SETTLE_MS = 20;
const REQUEST_MS = 30_000;

/** The resources that somebody wants to hear of; it outlives connections. */
export class Notices {
  readonly #wanted = new Map<string, number>();
  readonly #log: Log;
  readonly #info: ClientInfo;
  #connection: Connection | undefined;
  #capabilities: ServerCapabilities = {};
  #listening: AbortController | undefined;
  #settling = false;
  #listens = true;
  #acknowledged = 0;

  constructor(info: ClientInfo, log: Log) {
    this.#info = info;
    this.#log = log;
  }

  /** Whether the server tells of changed lists, so that it need not be asked again and again. */
  tells(kind: 'tools' | 'prompts' | 'resources'): boolean {
    return this.#listens && this.#capabilities[kind]?.listChanged === true;
  }

  attach(connection: Connection, capabilities: ServerCapabilities): void {
    this.#connection = connection;
    this.#capabilities = capabilities;
    this.#listens = true;
    this.#acknowledged = 0;
    if (connection.era === 'modern') this.#reopen();
    else for (const uri of this.#wanted.keys()) this.#tell('resources/subscribe', uri);
  }

  detach(): void {
    this.#connection = undefined;
    this.#listening?.abort(new Error('detached'));
    this.#listening = undefined;
  }

  /** A listen stream is open. @returns whether there was one before, so that changes may have been missed */
  acknowledged(): boolean {
    return this.#acknowledged++ > 0;
  }

  subscribe(uri: string): AsyncDisposable {
    const count = this.#wanted.get(uri) ?? 0;
    this.#wanted.set(uri, count + 1);
    if (count === 0) this.#changed('resources/subscribe', uri);
    let disposed = false;
    return {
      [Symbol.asyncDispose]: () => {
        if (!disposed) this.#release(uri);
        disposed = true;
        return Promise.resolve();
      },
    };
  }

  #release(uri: string): void {
    const count = this.#wanted.get(uri) ?? 0;
    if (count > 1) this.#wanted.set(uri, count - 1);
    else {
      this.#wanted.delete(uri);
      this.#changed('resources/unsubscribe', uri);
    }
  }

  #changed(method: string, uri: string): void {
    if (this.#connection?.era === 'modern') this.#reopen();
    else this.#tell(method, uri);
  }

  /** Legacy: one request for each resource. */
  #tell(method: string, uri: string): void {
    const connection = this.#connection;
    if (!connection || !this.#capabilities.resources?.subscribe) return;
    const signal = AbortSignal.timeout(REQUEST_MS);
    connection
      .request(ownRequest('legacy', method, { uri }, signal, this.#info))
      .then((response) => {
        if (response.error) this.#log.warn({ method, code: errorCodeOf(response) }, 'refused');
      })
      .catch((error: unknown) => this.#log.debug({ method, error: reasonOf(error) }, 'failed'));
  }

  /** Modern: one stream whose filter is the union of what is wanted. */
  #reopen(): void {
    if (this.#settling) return;
    this.#settling = true;
    setTimeout(() => {
      this.#settling = false;
      this.#listening?.abort(new Error('the filter has changed'));
      this.#listening = undefined;
      if (this.#connection?.era !== 'modern' || !this.#listens) return;
      this.#listening = new AbortController();
      void this.#listen(this.#connection, this.#listening.signal);
    }, SETTLE_MS).unref();
  }

  #filter(): Record<string, unknown> {
    const { tools, prompts, resources } = this.#capabilities;
    const uris = resources?.subscribe ? [...this.#wanted.keys()] : [];
    return {
      ...(tools?.listChanged ? { toolsListChanged: true } : {}),
      ...(prompts?.listChanged ? { promptsListChanged: true } : {}),
      ...(resources?.listChanged ? { resourcesListChanged: true } : {}),
      ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
    };
  }

  async #listen(connection: Connection, signal: AbortSignal): Promise<void> {
    const backoff = createBackoff();
    while (!signal.aborted) {
      const notifications = this.#filter();
      if (Object.keys(notifications).length === 0) return;
      const openedAt = performance.now();
      try {
        const response = await connection.request(
          ownRequest('modern', 'subscriptions/listen', { notifications }, signal, this.#info),
        );
        if (response.error && errorCodeOf(response) === METHOD_NOT_FOUND) {
          this.#listens = false;
          return;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#log.debug({ error: reasonOf(error) }, 'the listen stream broke; it is opened again');
      }
      if (performance.now() - openedAt > REQUEST_MS) backoff.reset();
      try {
        await delay(backoff.next(), undefined, { signal, ref: false });
      } catch {
        return; // Aborted: a newer stream has taken its place.
      }
    }
  }
}
