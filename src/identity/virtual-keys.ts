// All keys that let a caller in: looked up in memory, kept as MACs, and their ends told at once.
import type { ConfigKey } from '../config/config.ts';
import { createEmitter } from '../core/emitter.ts';
import type { Emitter } from '../core/emitter.ts';
import { GatewayError, reasonOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Principal } from '../core/principal.ts';
import type { KeyStore } from '../core/store.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { createCredential, createCredentialId, credentialId } from './credential.ts';
import * as key from './key-fields.ts';
import type { Entry, IssuedKey, KeyChange, KeyFields, KeyView, NewKey } from './key-fields.ts';
import { KeyIndex } from './key-index.ts';
import { KeyUses } from './key-uses.ts';
import { createMac } from './mac.ts';
import type { Mac } from './mac.ts';

export interface BuiltInKey {
  readonly credential: string;
  readonly principal: Principal;
}

export interface KeyringOptions {
  readonly store: KeyStore;
  /** Kept with the seal key; another one makes all stored keys worthless. */
  readonly pepper: Buffer;
  readonly configKeys: readonly ConfigKey[];
  readonly builtIn: readonly BuiltInKey[];
  readonly log: Log;
  readonly clock?: Clock;
}

export const DEFAULT_OVERLAP_MS = 24 * 3_600_000;

const ADVICE =
  'Send `Authorization: Bearer tg_…`; `toolgate snippet <host>` prints settings that work.';

const refused = (what: string): GatewayError =>
  new GatewayError('CREDENTIAL_INVALID', `${what} ${ADVICE}`);

export async function createKeyring(options: KeyringOptions): Promise<Keyring> {
  const stored = await options.store.load();
  return new Keyring(options, stored.map(key.fromStored));
}

export class Keyring implements AsyncDisposable {
  /** Not told of notes and of keys that were made. */
  readonly changed: Emitter<KeyChange>;
  readonly #store: KeyStore;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #mac: Mac;
  readonly #index: KeyIndex;
  readonly #uses: KeyUses;
  #sweptAt: number;
  #sweep: Disposable | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: KeyringOptions, stored: readonly Entry[]) {
    const { store, pepper, configKeys, builtIn, log, clock = systemClock } = options;
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
    this.#mac = createMac(pepper);
    this.#sweptAt = clock.now();
    this.#index = new KeyIndex(this.#mac);
    this.#uses = new KeyUses(store, clock, log);
    this.changed = createEmitter((error) =>
      log.error({ error: reasonOf(error) }, 'a listener failed'),
    );
    for (const one of builtIn) this.#addBuiltIn(one);
    for (const entry of stored) this.#index.addNamed(entry, entry.id);
    this.reload(configKeys);
  }

  #addBuiltIn({ credential, principal }: BuiltInKey): void {
    const id = credentialId(credential);
    if (id === undefined)
      throw new GatewayError('INTERNAL', `The key of ${principal.id} has no form.`);
    const entry: Entry = {
      id: principal.id,
      origin: 'built-in',
      fields: key.toFields(principal),
      principal,
      secrets: [{ mac: this.#mac(credential), validUntil: undefined }],
      createdAt: undefined,
      lastUsedAt: undefined,
    };
    this.#index.addNamed(entry, id);
  }

  /**
   * Whose credential it is. Takes as long for one that is unknown as for one that is wrong.
   * @throws GatewayError CREDENTIAL_INVALID
   */
  authenticate(credential: string): Principal {
    const now = this.#clock.now();
    const entry = this.#index.find(credential, now);
    if (!entry) throw refused('This key is unknown to the gateway.');
    // Only who has the secret hears more.
    if (!key.isLive(entry.fields, now)) {
      throw refused(
        `The key "${entry.fields.name}" ${entry.fields.enabled ? 'has expired' : 'is disabled'}.`,
      );
    }
    this.#uses.add(entry, now);
    return entry.principal;
  }

  /** The principal of an id, as long as its key lets somebody in. */
  principal(id: string): Principal | undefined {
    const entry = this.#index.get(id);
    return entry && key.isLive(entry.fields, this.#clock.now()) ? entry.principal : undefined;
  }

  list(): readonly KeyView[] {
    const now = this.#clock.now();
    return this.#index.all
      .map((entry) => key.toView(entry, now))
      .toSorted((a, b) => a.origin.localeCompare(b.origin) || a.name.localeCompare(b.name));
  }

  /** @throws GatewayError KEY_NOT_FOUND */
  show(id: string): KeyView {
    return key.toView(this.#entry(id), this.#clock.now());
  }

  #entry(id: string): Entry {
    const entry = this.#index.get(id);
    if (entry) return entry;
    throw new GatewayError('KEY_NOT_FOUND', `There is no virtual key ${JSON.stringify(id)}.`);
  }

  /** @throws GatewayError KEY_EXISTS, DATA_UNREADABLE */
  create(fields: NewKey): Promise<IssuedKey> {
    return this.#alone(async () => {
      this.#assertFreeName(fields.name);
      let id = createCredentialId();
      while (this.#index.isTaken(id)) id = createCredentialId();
      const secret = createCredential(id);
      const all: KeyFields = { ...key.DEFAULT_FIELDS, ...fields };
      const entry: Entry = {
        id,
        origin: 'store',
        fields: all,
        principal: key.toPrincipal(id, all),
        secrets: [{ mac: this.#mac(secret), validUntil: undefined }],
        createdAt: this.#clock.now(),
        lastUsedAt: undefined,
      };
      return { key: await this.#replace(entry), secret };
    });
  }

  /** Members that are absent stay; `undefined` clears. @throws GatewayError KEY_NOT_FOUND, KEY_FIXED, KEY_EXISTS */
  update(id: string, changes: Partial<KeyFields>): Promise<KeyView> {
    return this.#alone(() => {
      const entry = this.#changeable(id);
      const fields: KeyFields = { ...entry.fields, ...changes };
      if (fields.name !== entry.fields.name) this.#assertFreeName(fields.name);
      const principal = key.toPrincipal(id, fields, entry.principal);
      return this.#replace({ ...entry, fields, principal });
    });
  }

  /**
   * Makes another secret; the one before counts for the overlap, and any older one no more.
   * @throws GatewayError KEY_NOT_FOUND, KEY_FIXED
   */
  rotate(id: string, overlapMs = DEFAULT_OVERLAP_MS): Promise<IssuedKey> {
    return this.#alone(async () => {
      const entry = this.#changeable(id);
      const until = this.#clock.now() + overlapMs;
      const secret = createCredential(id);
      const before = entry.secrets.slice(0, 1).map(({ mac }) => ({ mac, validUntil: until }));
      const secrets = [
        { mac: this.#mac(secret), validUntil: undefined },
        ...(overlapMs > 0 ? before : []),
      ];
      return { key: await this.#replace({ ...entry, secrets }), secret };
    });
  }

  /** @throws GatewayError KEY_NOT_FOUND, KEY_FIXED */
  revoke(id: string): Promise<void> {
    return this.#alone(async () => {
      const entry = this.#changeable(id);
      await this.#store.remove(id);
      this.#index.removeNamed(id);
      this.#uses.forget(entry);
      this.changed.emit({ id, ended: true });
    });
  }

  /** Takes over the keys of the file; what is opened with one that is gone or has another secret ends. */
  reload(configKeys: readonly ConfigKey[]): void {
    const before = this.#index.removeSecrets();
    for (const configured of configKeys) this.#addConfigured(configured, before);
    for (const entry of before.values()) this.#tell(entry, this.#index.get(entry.id));
    this.#schedule();
  }

  #addConfigured(configured: ConfigKey, before: ReadonlyMap<string, Entry>): void {
    const fields = key.toFields(configured);
    const id = key.configId(fields.name);
    const entry: Entry = {
      id,
      origin: 'config',
      fields,
      principal: key.toPrincipal(id, fields, before.get(id)?.principal),
      secrets: [{ mac: this.#mac(configured.secret), validUntil: undefined }],
      createdAt: undefined,
      lastUsedAt: before.get(id)?.lastUsedAt,
    };
    if (this.#index.addSecret(entry)) return;
    // Which of the two is meant cannot be told, so it opens the first one only.
    this.#log.error({ name: fields.name }, 'two keys of the configuration have the same secret');
  }

  /** One change after the other: each starts from what the one before it left. */
  #alone<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Written first: what was acknowledged outlives any crash. */
  async #replace(next: Entry): Promise<KeyView> {
    await this.#store.save(key.toStored(next));
    const before = this.#index.get(next.id);
    if (before) this.#uses.move(before, next);
    this.#index.addNamed(next, next.id);
    if (before) this.#tell(before, next);
    this.#schedule();
    return key.toView(next, this.#clock.now());
  }

  #tell(before: Entry, after: Entry | undefined): void {
    const now = this.#clock.now();
    const { id } = before;
    if (!after || !key.isLive(after.fields, now)) return this.changed.emit({ id, ended: true });
    const kept = new Set(after.secrets.map(({ mac }) => mac.toString('hex')));
    const ended = before.secrets.some(
      ({ mac, validUntil }) => !kept.has(mac.toString('hex')) && (validUntil ?? Infinity) > now,
    );
    const wasLive = key.isLive(before.fields, now);
    if (ended || !wasLive || before.principal !== after.principal) this.changed.emit({ id, ended });
  }

  #changeable(id: string): Entry {
    const entry = this.#entry(id);
    if (entry.origin === 'store') return entry;
    const { name } = entry.fields;
    const where =
      entry.origin === 'config'
        ? `The key "${name}" is of the configuration file; change it there, under "keys".`
        : `The key "${name}" is made at the first start. Delete ${name}.key in the data directory and ` +
          'start the gateway again to get another one.';
    throw new GatewayError('KEY_FIXED', where);
  }

  #assertFreeName(name: string): void {
    for (const { fields } of this.#index.all) {
      if (fields.name !== name) continue;
      throw new GatewayError('KEY_EXISTS', `There is a key named ${JSON.stringify(name)} already.`);
    }
  }

  #schedule(): void {
    this.#sweep?.[Symbol.dispose]();
    this.#sweep = undefined;
    const ends = this.#index.all.flatMap(key.endsOf).filter((at) => at > this.#sweptAt);
    if (ends.length > 0) this.#sweep = this.#clock.wake(Math.min(...ends), () => this.#end());
  }

  #end(): void {
    const now = this.#clock.now();
    const over = (at: number) => at > this.#sweptAt && at <= now;
    const ended = this.#index.all.filter((entry) => key.endsOf(entry).some(over));
    this.#sweptAt = now;
    for (const { id } of ended) this.changed.emit({ id, ended: true });
    this.#schedule();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sweep?.[Symbol.dispose]();
    await this.#last;
    await this.#uses[Symbol.asyncDispose]();
  }
}
