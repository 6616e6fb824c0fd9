// Finds whose a credential is, in a time that tells nothing of the keys there are.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { credentialId } from './credential.ts';
import type { Entry } from './key-fields.ts';
import type { Mac } from './mac.ts';

export class KeyIndex {
  readonly #mac: Mac;
  /** By the id of the principal. */
  readonly #entries = new Map<string, Entry>();
  /** By the id in the credential. */
  readonly #byCredentialId = new Map<string, Entry>();
  /** By the MAC in hex: of keys of the file, whose secrets may be any text. */
  readonly #byMac = new Map<string, Entry>();
  readonly #nobody: Pick<Entry, 'secrets'> = {
    secrets: [{ mac: randomBytes(32), validUntil: undefined }],
  };

  constructor(mac: Mac) {
    this.#mac = mac;
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  get all(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  isTaken(idOfCredential: string): boolean {
    return this.#byCredentialId.has(idOfCredential);
  }

  addNamed(entry: Entry, idOfCredential: string): void {
    this.#entries.set(entry.id, entry);
    this.#byCredentialId.set(idOfCredential, entry);
  }

  /** @returns false when another entry has the same secret */
  addSecret(entry: Entry): boolean {
    const hex = entry.secrets[0]!.mac.toString('hex');
    if (this.#byMac.has(hex)) return false;
    this.#entries.set(entry.id, entry);
    this.#byMac.set(hex, entry);
    return true;
  }

  removeNamed(id: string): void {
    this.#entries.delete(id);
    this.#byCredentialId.delete(id);
  }

  removeSecrets(): ReadonlyMap<string, Entry> {
    const removed = new Map([...this.#byMac.values()].map((entry) => [entry.id, entry]));
    this.#byMac.clear();
    for (const id of removed.keys()) this.#entries.delete(id);
    return removed;
  }

  /** Does the same work for an id that is unknown as for a secret that is wrong. */
  find(credential: string, now: number): Entry | undefined {
    const given = this.#mac(credential);
    const named = this.#byCredentialId.get(credentialId(credential) ?? '');
    const found = this.#fits(given, named, now);
    return found ?? this.#fits(given, this.#byMac.get(given.toString('hex')), now);
  }

  #fits(given: Buffer, entry: Entry | undefined, now: number): Entry | undefined {
    let fits = false;
    for (const { mac, validUntil } of (entry ?? this.#nobody).secrets) {
      const isSame = timingSafeEqual(given, mac);
      if (isSame && (validUntil === undefined || now < validUntil)) fits = true;
    }
    return fits ? entry : undefined;
  }
}
