// One entry under "mcpServers" → the server that the rest of the program knows.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { JSONPath } from 'jsonc-parser';

import { reasonOf } from '../core/errors.ts';
import type { HttpServer, ServerCommon, ServerConfig, ServerTools, StdioServer } from './config.ts';
import type { Problem } from './document.ts';
import { childVariables } from './environment.ts';
import type { Variables } from './environment.ts';
import { MAX_FOREIGN_TIMEOUT_SECONDS } from './schema.ts';
import type { ServerEntry } from './schema.ts';

/** Where an entry stands and what it is relative to. */
export interface EntryContext {
  readonly name: string;
  readonly path: JSONPath;
  /** The entry before defaults were filled in. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly folder: string;
  readonly home: string;
  /** The gateway's own environment: a child gets the harmless part of it. */
  readonly variables: Variables;
  readonly report: (problem: Problem) => void;
}

type Parts = Omit<ServerCommon, 'fingerprint'>;

/** Keys that only one of the two kinds of server has. */
const STDIO_KEYS = ['args', 'env', 'envFile', 'cwd'];
const HTTP_KEYS = ['headers', 'allowAddresses'];

export function resolvePath(path: string, folder: string, home: string): string {
  if (path === '~') return home;
  return /^~[\\/]/.test(path) ? join(home, path.slice(2)) : resolve(folder, path);
}

const sorted = (record: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));

const fingerprintOf = (parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');

function timeoutSecondsOf(entry: ServerEntry, given: EntryContext['given']): number {
  if (entry.timeout === undefined || Object.hasOwn(given, 'timeoutSeconds')) {
    return entry.timeoutSeconds;
  }
  return entry.timeout <= MAX_FOREIGN_TIMEOUT_SECONDS ? entry.timeout : entry.timeout / 1000;
}

function isEnabled(entry: ServerEntry, { path, report }: EntryContext): boolean {
  if (entry.enabled !== undefined && entry.enabled === entry.disabled) {
    report({
      path: [...path, 'enabled'],
      text: `expected "enabled" and "disabled" to agree, got ${entry.enabled} for both`,
    });
  }
  return entry.enabled ?? entry.disabled !== true;
}

function toParts(entry: ServerEntry, context: EntryContext): Parts {
  const { given, path, report } = context;
  const timeoutSeconds = timeoutSecondsOf(entry, given);
  if (Object.hasOwn(given, 'maxTimeoutSeconds') && entry.maxTimeoutSeconds < timeoutSeconds) {
    report({
      path: [...path, 'maxTimeoutSeconds'],
      text: `expected at least the timeout of ${timeoutSeconds}, got ${entry.maxTimeoutSeconds}`,
    });
  }
  const { autoExecute, alwaysAllow = [], autoApprove = [] } = entry;
  const toolTimeoutsMs: Record<string, number> = Object.create(null);
  for (const [tool, seconds] of Object.entries(entry.toolTimeouts)) {
    toolTimeoutsMs[tool] = seconds * 1000;
  }
  return {
    name: context.name,
    enabled: isEnabled(entry, context),
    autoExecute: [...new Set([...autoExecute, ...alwaysAllow, ...autoApprove])],
    modes: Object.entries(entry.modes).map(([tools, mode]) => ({ tools, mode })),
    tools: toTools(entry, context),
    trusted: entry.trusted,
    pinning: entry.pinning,
    prefix: entry.prefix,
    timeoutMs: timeoutSeconds * 1000,
    maxTimeoutMs: Math.max(entry.maxTimeoutSeconds, timeoutSeconds) * 1000,
    toolTimeoutsMs,
    refreshMs: entry.refreshSeconds * 1000,
    maxMessageBytes: entry.maxMessageBytes,
    maxConcurrent: entry.maxConcurrent,
    era: entry.era,
  };
}

function toTools({ tools }: ServerEntry, { path, report }: EntryContext): ServerTools {
  const taken = new Map<string, string>();
  const overrides = Object.entries(tools.override).map(([own, override]) => {
    const { name, description, annotations, hidden } = override;
    const other = name === undefined ? undefined : taken.get(name);
    if (other !== undefined) {
      const text = `expected a name of its own, got that of "${other}"`;
      report({ path: [...path, 'tools', 'override', own, 'name'], text });
    }
    if (name !== undefined) taken.set(name, own);
    const fixed = Object.entries(override.arguments).map(
      ([argument, rule]) =>
        [
          argument,
          { const: rule.const === undefined ? undefined : JSON.stringify(rule.const) },
        ] as const,
    );
    return [own, { name, description, annotations, hidden, arguments: new Map(fixed) }] as const;
  });
  return { allow: tools.allow, deny: tools.deny, overrides: new Map(overrides) };
}

async function readEnvFile(
  file: string,
  { path, report }: EntryContext,
): Promise<Record<string, string>> {
  try {
    const text = (await readFile(file, 'utf8')).replace(/^\uFEFF/, '');
    return parseEnv(text) as Record<string, string>;
  } catch (error) {
    report({
      path: [...path, 'envFile'],
      text: `expected a file that can be read, got: ${reasonOf(error)}`,
    });
    return {};
  }
}

function withInherited(
  own: Readonly<Record<string, string>>,
  variables: Variables,
): Record<string, string> {
  const whole = childVariables(variables);
  for (const [name, value] of Object.entries(own)) {
    // Windows takes Path and PATH for one name, and would keep whichever comes first.
    const other = Object.keys(whole).find((key) => key.toUpperCase() === name.toUpperCase());
    if (process.platform === 'win32' && other !== undefined) delete whole[other];
    whole[name] = value;
  }
  return whole;
}

async function toStdio(
  entry: ServerEntry,
  command: string,
  parts: Parts,
  context: EntryContext,
): Promise<StdioServer> {
  const { folder, home, path, report } = context;
  const at = (text: string): string => resolvePath(text, folder, home);
  const ofFile =
    entry.envFile === undefined || !parts.enabled
      ? {}
      : await readEnvFile(at(entry.envFile), context);
  const env = { ...ofFile };
  for (const [name, value] of Object.entries(entry.env)) env[name] = String(value);
  for (const [name, value] of Object.entries(env)) {
    if (value.includes('\0')) {
      report({
        path: [...path, 'env', name],
        text: 'expected a value without NUL, got one with it',
      });
    }
  }
  const server = {
    transport: 'stdio' as const,
    // A bare name is looked up in PATH; whatever looks like a path is one.
    command: /[\\/]/.test(command) && !isAbsolute(command) ? at(command) : command,
    args: entry.args,
    cwd: entry.cwd === undefined ? folder : at(entry.cwd),
  };
  const { transport, args, cwd } = server;
  const { era, maxMessageBytes } = parts;
  // Not the inherited variables: the digest must outlive a restart from another terminal.
  const what = [transport, server.command, args, sorted(env), cwd, era, maxMessageBytes];
  const whole = withInherited(env, context.variables);
  return { ...parts, ...server, env: whole, fingerprint: fingerprintOf(what) };
}

function toHttp(
  entry: ServerEntry,
  url: string,
  type: string | undefined,
  parts: Parts,
): HttpServer {
  const transport = type === undefined ? 'auto-http' : type === 'sse' ? 'sse' : 'http';
  const { headers, allowAddresses } = entry;
  const { era, maxMessageBytes } = parts;
  const what = [transport, url, sorted(headers), allowAddresses, era, maxMessageBytes];
  return { ...parts, transport, url, headers, allowAddresses, fingerprint: fingerprintOf(what) };
}

function typeOf(entry: ServerEntry): string | undefined {
  const type = entry.type ?? entry.transport ?? entry.transportType;
  // Gemini CLI tells its two kinds of URL apart by the key alone.
  return type ?? (entry.httpUrl === undefined ? undefined : 'http');
}

/** @returns undefined after a report that says why. */
export async function toServer(
  entry: ServerEntry,
  context: EntryContext,
): Promise<ServerConfig | undefined> {
  const { given, path, report } = context;
  const url = entry.url ?? entry.serverUrl ?? entry.httpUrl;
  const { command } = entry;
  const type = typeOf(entry);
  if ((command === undefined) === (url === undefined)) {
    const both = command === undefined ? 'neither' : 'both';
    report({ path, text: `expected either "command" or "url", got ${both}`, atKey: true });
    return undefined;
  }
  const isStdio = command !== undefined;
  if (type !== undefined && (type === 'stdio') !== isStdio) {
    const wanted = isStdio ? '"stdio" with "command"' : '"http" or "sse" with "url"';
    report({ path: [...path, 'type'], text: `expected ${wanted}, got "${type}"` });
    return undefined;
  }
  for (const key of isStdio ? HTTP_KEYS : STDIO_KEYS) {
    if (!Object.hasOwn(given, key)) continue;
    const [has, wants] = isStdio ? ['command', 'url'] : ['url', 'command'];
    const text = `expected "${key}" only beside "${wants}", got it beside "${has}"`;
    report({ path: [...path, key], text, atKey: true });
  }
  if (type === 'sse' && entry.era === 'modern') {
    report({
      path: [...path, 'era'],
      text: 'expected "legacy" or "auto" with type "sse", got "modern"',
    });
  }
  const parts = toParts(entry, context);
  return isStdio
    ? await toStdio(entry, command, parts, context)
    : toHttp(entry, url ?? '', type, parts);
}
