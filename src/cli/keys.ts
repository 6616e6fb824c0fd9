// `toolgate keys`: the keys that let programs in, and what each may do.
import { GatewayError } from '../core/errors.ts';
import type { ShownKey } from '../http/api/keys.ts';
import type { GatewayOption } from './find-gateway.ts';
import { openKeyDesk } from './keys-desk.ts';
import type { Issued, KeyDesk, NewKeyBody } from './keys-desk.ts';
import { safe, table } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface KeysOptions extends GatewayOption {
  readonly json?: boolean;
}

export interface CreateKeyOptions extends KeysOptions {
  readonly role?: string;
  readonly execute?: boolean;
  readonly team?: string;
  readonly customer?: string;
  readonly env?: string;
  readonly tools?: readonly string[];
  readonly deny?: readonly string[];
  readonly prompts?: readonly string[];
  readonly resources?: readonly string[];
  readonly mode?: readonly string[];
  readonly expires?: string;
  readonly disabled?: boolean;
  readonly notes?: string;
}

export interface RotateKeyOptions extends KeysOptions {
  readonly overlap?: string;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

/** @throws GatewayError PARAMS_INVALID */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text);
  if (match) return Number(match[1]) * UNIT_SECONDS[match[2]!]!;
  throw new GatewayError(
    'PARAMS_INVALID',
    `${option} must be a time such as 30m, 24h or 90d, got "${text}".`,
  );
}

/** A time from now on, or a date. @throws GatewayError PARAMS_INVALID */
export function parseExpiry(text: string, now: number): number {
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  const at = Number.isNaN(date) ? now + parseDuration(text, '--expires') * 1000 : date;
  if (at > now) return Math.round(at);
  throw new GatewayError('PARAMS_INVALID', `--expires ${text} is in the past.`);
}

/** @throws GatewayError PARAMS_INVALID */
export function parseModes(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.lastIndexOf('=');
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new GatewayError(
        'PARAMS_INVALID',
        `--mode must be selector=auto|ask|review, got "${text}".`,
      );
    }),
  );
}

function toBody(name: string, options: CreateKeyOptions): NewKeyBody {
  const { role, execute, team, customer, env, tools, deny, prompts, resources } = options;
  const { mode, expires, disabled, notes } = options;
  const body = {
    name,
    role,
    execute,
    team,
    customer,
    environment: env,
    tools,
    deny,
    prompts,
    resources,
    modes: mode && parseModes(mode),
    expiresAt: expires === undefined ? undefined : parseExpiry(expires, Date.now()),
    enabled: disabled ? false : undefined,
    notes,
  };
  // The gateway checks the rest and says what is wrong.
  return Object.fromEntries(
    Object.entries(body).filter(([, value]) => value !== undefined),
  ) as NewKeyBody;
}

export async function createKey(
  name: string,
  options: CreateKeyOptions,
  terminal: Terminal,
): Promise<number> {
  await using desk = await openKeyDesk(options, terminal);
  const issued = await desk.create(toBody(name, options));
  if (options.json) return printJson(issued, terminal);
  printSecret(`The key "${safe(issued.key.name)}" is made.`, issued, desk, terminal);
  if (issued.key.tools.length === 0) {
    const text =
      'It may call nothing, for no --tools were given. Revoke it and make one with --tools "server/*".';
    terminal.err(`${terminal.yellow('warning')} ${text}`);
  }
  return 0;
}

export async function rotateKey(
  wanted: string,
  options: RotateKeyOptions,
  terminal: Terminal,
): Promise<number> {
  await using desk = await openKeyDesk(options, terminal);
  const overlap =
    options.overlap === undefined ? undefined : parseDuration(options.overlap, '--overlap');
  const { id } = await find(desk, wanted);
  const issued = await desk.rotate(id, overlap);
  if (options.json) return printJson(issued, terminal);
  printSecret(`The key "${safe(issued.key.name)}" has another secret.`, issued, desk, terminal);
  const until = issued.key.oldSecretUntil;
  terminal.out(
    until ? `The one before counts until ${when(until)}.` : 'The one before no longer counts.',
  );
  return 0;
}

export async function revokeKey(
  wanted: string,
  options: KeysOptions,
  terminal: Terminal,
): Promise<number> {
  await using desk = await openKeyDesk(options, terminal);
  const { id, name } = await find(desk, wanted);
  await desk.revoke(id);
  if (options.json) return printJson({ id, name, revoked: true }, terminal);
  terminal.out(`The key "${safe(name)}" (${safe(id)}) is revoked. What it had open is closed.`);
  return 0;
}

export async function listKeys(options: KeysOptions, terminal: Terminal): Promise<number> {
  await using desk = await openKeyDesk(options, terminal);
  const keys = await desk.list();
  if (options.json) return printJson(keys, terminal);
  const head = ['ID', 'NAME', 'ROLE', 'TEAM', 'STATE', 'LAST USED', 'TOOLS'];
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.execute ? `${key.role}, execute` : key.role,
    key.team ?? '-',
    stateOf(key),
    key.lastUsedAt ? when(key.lastUsedAt) : '-',
    key.tools.join(' ') || '(none)',
  ]);
  terminal.out(table([head, ...rows].map((row) => row.map(safe))));
  return 0;
}

export async function showKey(
  wanted: string,
  options: KeysOptions,
  terminal: Terminal,
): Promise<number> {
  await using desk = await openKeyDesk(options, terminal);
  const key = await find(desk, wanted);
  if (options.json) return printJson(key, terminal);
  const modes = Object.entries(key.modes).map(([tools, mode]) => `${tools}=${mode}`);
  const rows = [
    ['id', key.id],
    ['name', key.name],
    ['from', key.origin],
    ['state', stateOf(key)],
    ['role', key.role],
    ['execute', key.execute ? 'yes' : 'no'],
    ['team', key.team ?? '-'],
    ['customer', key.customer ?? '-'],
    ['environment', key.environment ?? '-'],
    ['tools', key.tools.join(' ') || '(none)'],
    ['deny', key.deny.join(' ') || '-'],
    ['prompts', key.prompts?.join(' ') ?? 'as tools'],
    ['resources', key.resources?.join(' ') ?? 'as tools'],
    ['modes', modes.join(' ') || '-'],
    ['created', key.createdAt ? when(key.createdAt) : '-'],
    ['expires', key.expiresAt ? when(key.expiresAt) : 'never'],
    ['last used', key.lastUsedAt ? when(key.lastUsedAt) : '-'],
    ['old secret until', key.oldSecretUntil ? when(key.oldSecretUntil) : '-'],
    ['notes', key.notes || '-'],
  ];
  terminal.out(table(rows.map((row) => row.map(safe))));
  return 0;
}

/** By id, else by name. @throws GatewayError KEY_NOT_FOUND */
async function find(desk: KeyDesk, wanted: string): Promise<ShownKey> {
  const keys = await desk.list();
  const found = keys.find(({ id }) => id === wanted) ?? keys.find(({ name }) => name === wanted);
  if (found) return found;
  const text = `There is no virtual key ${JSON.stringify(wanted)}. \`toolgate keys list\` shows those there are.`;
  throw new GatewayError('KEY_NOT_FOUND', text);
}

function printJson(value: unknown, terminal: Terminal): number {
  terminal.out(JSON.stringify(value, null, 2));
  return 0;
}

function printSecret(
  what: string,
  { key, secret }: Issued,
  desk: KeyDesk,
  terminal: Terminal,
): void {
  const url = desk.url === undefined ? 'the gateway, once it runs' : `${desk.url}/mcp`;
  terminal.out(
    [
      `${what} Its id is ${key.id}. The secret is shown this once:`,
      '',
      `  ${secret}`,
      '',
      `Put it where the program that uses it keeps its secrets, and send it to ${url}:`,
      '  Authorization: Bearer <secret>',
    ].join('\n'),
  );
}

function stateOf({ enabled, expiresAt }: ShownKey): string {
  if (!enabled) return 'disabled';
  return expiresAt !== undefined && expiresAt <= Date.now() ? 'expired' : 'enabled';
}

const when = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
