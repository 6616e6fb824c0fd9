// A second, legacy connection to a server that speaks both eras over HTTP: legacy callers are matched, so that
// nothing has to be translated for them. Made at the first need, and never in the way.
import type { Era } from '../core/call.ts';
import { reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { HttpServer, ServerConfig } from '../config/config.ts';
import type { HttpClient } from '../net/http-client.ts';
import { connect } from './connect.ts';
import type { Opened } from './connect.ts';
import type { ClientInfo } from './handshake.ts';

const CONNECT_MS = 10_000;

export interface CompanionOptions {
  readonly config: ServerConfig;
  readonly client: HttpClient;
  readonly info: ClientInfo;
  readonly log: Log;
  /** It is open: time to tell it what the main connection was told. */
  readonly onOpened: (opened: Opened) => Promise<void>;
}

export class Companion implements AsyncDisposable {
  readonly #options: CompanionOptions;
  readonly #disposed = new AbortController();
  #opening: Promise<Opened | undefined> | undefined;
  #opened: Opened | undefined;

  constructor(options: CompanionOptions) {
    this.#options = options;
  }

  get opened(): Opened | undefined {
    return this.#opened;
  }

  /** The connection that fits a caller best: the main one, but for legacy callers of a server of both eras. */
  async match(main: Opened, era: Era): Promise<Opened> {
    const { config } = this.#options;
    const isDual = main.greeting.servesLegacy && main.transport === 'http' && config.era === 'auto';
    if (era === 'modern' || main.greeting.era === 'legacy' || !isDual) return main;
    this.#opening ??= this.#open();
    return (await this.#opening) ?? main;
  }

  async #open(): Promise<Opened | undefined> {
    const { client, info, log } = this.#options;
    const config: HttpServer = { ...(this.#options.config as HttpServer), era: 'legacy' };
    const events = {
      // The main connection hears of changes.
      onNotification: () => {},
      onClose: () => {
        this.#opening = undefined;
        this.#opened = undefined;
      },
    };
    const signal = AbortSignal.any([this.#disposed.signal, AbortSignal.timeout(CONNECT_MS)]);
    try {
      this.#opened = await connect({
        config,
        client,
        events,
        signal,
        info,
        log,
        knownEra: 'legacy',
      });
      await this.#options.onOpened(this.#opened);
      return this.#opened;
    } catch (error) {
      log.info({ reason: reasonOf(error) }, 'no legacy connection; legacy callers are translated');
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort(new Error('disposed'));
    const opened = await this.#opening;
    this.#opening = undefined;
    await opened?.connection[Symbol.asyncDispose]();
  }
}
