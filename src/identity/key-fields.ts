// What is said of a virtual key, wherever it comes from: the configuration file, or REST and the commands.
import { isDeepStrictEqual } from 'node:util';
import type { ConfigKey } from '../config/config.ts';
import type { ModeRule, Principal, Role } from '../core/principal.ts';
import type { StoredKey } from '../core/store.ts';

export interface KeyFields {
  /** For people; no two keys share one. */
  readonly name: string;
  readonly role: Role;
  readonly execute: boolean;
  readonly team: string | undefined;
  readonly customer: string | undefined;
  readonly environment: string | undefined;
  readonly tools: readonly string[];
  readonly deny: readonly string[];
  readonly prompts: readonly string[] | undefined;
  readonly resources: readonly string[] | undefined;
  readonly modes: readonly ModeRule[];
  /** Epoch milliseconds. */
  readonly expiresAt: number | undefined;
  readonly enabled: boolean;
  readonly notes: string;
}

export type NewKey = Partial<KeyFields> & Pick<KeyFields, 'name'>;

export interface KeyView extends KeyFields {
  readonly id: string;
  readonly origin: 'store' | 'config' | 'built-in';
  /** Of those that are stored. */
  readonly createdAt: number | undefined;
  /** Of a key of the file or the first start: since the gateway started. */
  readonly lastUsedAt: number | undefined;
  /** Until when the secret before the newest still counts. */
  readonly oldSecretUntil: number | undefined;
}

/** Nothing is allowed that was not said. */
export const DEFAULT_FIELDS: Omit<KeyFields, 'name'> = {
  role: 'caller',
  execute: false,
  team: undefined,
  customer: undefined,
  environment: undefined,
  tools: [],
  deny: [],
  prompts: undefined,
  resources: undefined,
  modes: [],
  expiresAt: undefined,
  enabled: true,
  notes: '',
};

const FIELDS = ['name', ...Object.keys(DEFAULT_FIELDS)] as readonly (keyof KeyFields)[];

/** The fields alone, of a record that has more. */
export const fieldsOf = (record: KeyFields): KeyFields =>
  Object.fromEntries(FIELDS.map((field) => [field, record[field]])) as unknown as KeyFields;

/** The id of a key of the file can be that of no stored one, which has eight letters and digits. */
export const configId = (name: string): string => `config:${name}`;

/** @param before what stays the same object when nothing about it has changed */
export function toPrincipal(id: string, fields: KeyFields, before?: Principal): Principal {
  const { name, role, execute, team, customer, environment, modes } = fields;
  const { tools, deny, prompts, resources } = fields;
  const allowance = Object.freeze({ tools, deny, prompts, resources });
  const place = { team, customer, environment };
  const principal = Object.freeze({ id, name, role, execute, ...place, allowance, modes });
  return before && isDeepStrictEqual(before, principal) ? before : principal;
}

/** What is told of a key that is written with its allowance. */
export const toFields = ({ allowance, ...rest }: Principal | ConfigKey): KeyFields =>
  fieldsOf({ ...DEFAULT_FIELDS, ...rest, ...allowance });

export interface Secret {
  readonly mac: Buffer;
  /** Undefined: as long as the key. */
  readonly validUntil: number | undefined;
}

/** A key as it is looked up. */
export interface Entry {
  readonly id: string;
  readonly origin: KeyView['origin'];
  readonly fields: KeyFields;
  readonly principal: Principal;
  /** Newest first. */
  readonly secrets: readonly Secret[];
  readonly createdAt: number | undefined;
  lastUsedAt: number | undefined;
}

export function toView(entry: Entry, now: number): KeyView {
  const { id, origin, fields, secrets, createdAt, lastUsedAt } = entry;
  const until = secrets[1]?.validUntil ?? 0;
  const oldSecretUntil = until > now ? until : undefined;
  return { id, origin, ...fields, createdAt, lastUsedAt, oldSecretUntil };
}

export const toStored = ({ id, fields, secrets, createdAt = 0, lastUsedAt }: Entry): StoredKey => ({
  id,
  ...fields,
  secrets: secrets.map(({ mac, validUntil }) => ({ mac: mac.toString('hex'), validUntil })),
  createdAt,
  lastUsedAt,
});

export const fromStored = (key: StoredKey): Entry => ({
  id: key.id,
  origin: 'store',
  fields: fieldsOf(key),
  principal: toPrincipal(key.id, key),
  secrets: key.secrets.map(({ mac, validUntil }) => ({ mac: Buffer.from(mac, 'hex'), validUntil })),
  createdAt: key.createdAt,
  lastUsedAt: key.lastUsedAt,
});

/** Whether the key lets anybody in at this time. */
export const isLive = ({ enabled, expiresAt }: KeyFields, now: number): boolean =>
  enabled && (expiresAt === undefined || now < expiresAt);

/** The times at which something about the key ends. */
export const endsOf = ({ fields, secrets }: Entry): number[] =>
  [fields.expiresAt, ...secrets.map(({ validUntil }) => validUntil)].filter(
    (at) => at !== undefined,
  );

export interface KeyChange {
  /** Of the principal. */
  readonly id: string;
  /** It, or one of its secrets, no longer lets anybody in: what was opened with it must end. */
  readonly ended: boolean;
}

export interface IssuedKey {
  readonly key: KeyView;
  /** Told this once; nobody can read it again. */
  readonly secret: string;
}
