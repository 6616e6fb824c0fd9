// The text of a configuration file → the configuration. Reads no file but the entries' envFile.
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { findNodeAtLocation } from 'jsonc-parser';
import type { JSONPath } from 'jsonc-parser';

import type { GatewayConfig, LoadedConfig, ServerConfig } from './config.ts';
import { parseDocument, problemsError, valueOf, writePath } from './document.ts';
import type { Document, Problem } from './document.ts';
import { dataDirectoryOf } from './environment.ts';
import type { Variables } from './environment.ts';
import { problemsOf } from './issues.ts';
import { policyKeysAt, serverPolicyKeysAt } from './policy-schema.ts';
import { toKeys, toPolicy } from './policy.ts';
import {
  IGNORED_FILE_KEYS,
  IGNORED_SERVER_KEYS,
  OWN_FILE_KEYS,
  OWN_SERVER_KEYS,
  serverSchema,
  settingsSchema,
} from './schema.ts';
import type { ServerEntry, Settings } from './schema.ts';
import type { Names } from './selectors.ts';
import { serverNameOf } from './server-names.ts';
import { resolvePath, toServer } from './servers.ts';
import { expandVariables } from './variables.ts';

export interface ParseContext {
  readonly variables: Variables;
  readonly home: string;
}

/** What is found on the way through one file. */
interface Reading extends ParseContext {
  readonly document: Document;
  readonly folder: string;
  readonly problems: Problem[];
  readonly warnings: string[];
  /** Keys that other hosts know and that have no effect here. */
  readonly ignored: string[];
}

type Plain = Record<string, unknown>;

const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Sections whose strings may hold variables. */
const EXPANDED = ['gateway', 'keys', 'approvals'] as const;

function readSettings(reading: Reading, file: Plain): Settings | undefined {
  const { document, problems, ignored } = reading;
  const { mcpServers: _, servers: __, ...input } = file;
  const before = problems.length;
  const off: JSONPath[] = [];
  for (const key of EXPANDED) {
    if (input[key] === undefined) continue;
    input[key] = expandVariables(input[key], [key], scopeOf(reading), (problem) => {
      if (isOffAt(file, problem.path)) off.push(problem.path);
      else problems.push(problem);
    });
  }
  // Such a key lets nobody in either way.
  for (const [, name] of off) delete (input['keys'] as Plain)[String(name)];
  const result = settingsSchema.safeParse(input);
  ignored.push(...IGNORED_FILE_KEYS.filter((key) => Object.hasOwn(file, key)));
  if (result.success) return result.data;
  const keysAt = (path: JSONPath): readonly string[] => {
    const [key] = path;
    if (key === 'naming') return Object.keys(settingsSchema.shape.naming.unwrap().shape);
    if (key === 'gateway') return Object.keys(settingsSchema.shape.gateway.unwrap().shape);
    return policyKeysAt(path) ?? OWN_FILE_KEYS;
  };
  problems.push(...untold(reading, before, problemsOf(document, [], result.error.issues, keysAt)));
  return undefined;
}

/** A key that is switched off may have a secret that is not set. */
function isOffAt(file: Plain, [section, name]: JSONPath): boolean {
  const keys = section === 'keys' ? file['keys'] : undefined;
  const key = isPlain(keys) && name !== undefined ? keys[name] : undefined;
  return isPlain(key) && key['enabled'] === false;
}

/** A variable that is not set has been told of; what its absence led to would only confuse. */
function untold({ problems }: Reading, before: number, found: readonly Problem[]): Problem[] {
  const told = new Set(problems.slice(before).map((problem) => problem.path.join('\0')));
  return found.filter((problem) => !told.has(problem.path.join('\0')));
}

const scopeOf = ({ variables, folder, home }: Reading) => ({ variables, folder, home });

/** The entry with its variables filled in. Those of a server that does not start may be unset. */
function expandEntry(reading: Reading, value: Plain, path: JSONPath): Plain {
  const isOff = value['disabled'] === true || value['enabled'] === false;
  const expanded = expandVariables(value, path, scopeOf(reading), (problem) => {
    if (!isOff) reading.problems.push(problem);
  });
  return expanded as Plain;
}

function readEntry(reading: Reading, value: unknown, path: JSONPath): ServerEntry | undefined {
  const { document, problems, ignored } = reading;
  const given = isPlain(value) ? value : undefined;
  const before = problems.length;
  const result = serverSchema.safeParse(
    given === undefined ? value : withToolList(expandEntry(reading, given, path)),
  );
  for (const key of IGNORED_SERVER_KEYS) {
    if (given !== undefined && Object.hasOwn(given, key)) ignored.push([...path, key].join('.'));
  }
  if (result.success) return result.data;
  const keysAt = (inner: JSONPath) => serverPolicyKeysAt(inner) ?? OWN_SERVER_KEYS;
  const found = problemsOf(document, path, result.error.issues, keysAt);
  problems.push(...untold(reading, before, found));
  return undefined;
}

/** GitHub Copilot writes `"tools": ["*"]` for the tools that there are. */
const withToolList = (entry: Plain): Plain =>
  Array.isArray(entry['tools']) ? { ...entry, tools: { allow: entry['tools'] } } : entry;

function readName(reading: Reading, key: string, path: JSONPath, taken: Map<string, string>) {
  const { problems, warnings, document } = reading;
  const name = serverNameOf(key);
  if (name === undefined) {
    problems.push({ path, text: 'expected a server name, got white space', atKey: true });
    return undefined;
  }
  const other = taken.get(name);
  if (other !== undefined) {
    const text = `expected names that stay different, got "${key}" and "${other}", both "${name}"`;
    problems.push({ path, text, atKey: true });
    return undefined;
  }
  taken.set(name, key);
  if (name !== key) {
    warnings.push(`${document.file}: the server "${key}" is called "${name}" here.`);
  }
  return name;
}

function findServers(
  reading: Reading,
): { key: 'mcpServers' | 'servers'; value: Plain } | undefined {
  const { document, problems, warnings } = reading;
  const nodes = (['mcpServers', 'servers'] as const).map((key) => ({
    key,
    node: findNodeAtLocation(document.root, [key]),
  }));
  const [found, second] = nodes.filter(({ node }) => node !== undefined);
  if (found?.node === undefined) {
    warnings.push(`${document.file}: there is no "mcpServers", so no server runs.`);
    return undefined;
  }
  if (second !== undefined) {
    const text = 'expected either "mcpServers" or "servers", got both';
    problems.push({ path: [second.key], text, atKey: true });
  }
  const value = valueOf(found.node);
  if (isPlain(value)) return { key: found.key, value };
  const got = Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`;
  problems.push({ path: [found.key], text: `expected an object, got ${got}` });
  return undefined;
}

async function readServers(reading: Reading): Promise<ServerConfig[]> {
  const { folder, home, variables, problems } = reading;
  const found = findServers(reading);
  const taken = new Map<string, string>();
  const servers: ServerConfig[] = [];
  for (const [key, value] of Object.entries(found?.value ?? {})) {
    const path = [found?.key ?? 'mcpServers', key];
    const name = readName(reading, key, path, taken);
    const entry = readEntry(reading, value, path);
    if (name === undefined || entry === undefined) continue;
    const given = value as Plain;
    const report = (problem: Problem): void => void problems.push(problem);
    const server = await toServer(entry, { name, path, given, folder, home, variables, report });
    if (server !== undefined) servers.push(server);
  }
  return servers;
}

function toGateway({ gateway }: Settings, { folder, home, variables }: Reading): GatewayConfig {
  const { data, publicUrl, sessionSeconds, startSeconds, drainSeconds, ...rest } = gateway;
  return {
    ...rest,
    publicUrl: publicUrl?.replace(/\/+$/, ''),
    dataDirectory:
      data === undefined
        ? dataDirectoryOf(variables, process.platform, home)
        : resolvePath(data, folder, home),
    sessionMs: sessionSeconds * 1000,
    startMs: startSeconds * 1000,
    drainMs: drainSeconds * 1000,
  };
}

function readPolicy(reading: Reading, settings: Settings, servers: readonly ServerConfig[]) {
  const { document, problems, warnings } = reading;
  const names: Names = {
    groups: new Map(Object.entries(settings.groups)),
    servers: servers.map(({ name }) => name),
    report: (problem) => void problems.push(problem),
    warn: (path, text) => {
      warnings.push(`${document.file}: ${writePath(path)}: ${text}.`.replace('?.', '?'));
    },
  };
  const policy = toPolicy(settings, names);
  return { ...policy, keys: toKeys(settings, policy, names) };
}

/**
 * @param file absolute; relative paths in the text are relative to its folder.
 * @throws GatewayError CONFIG_INVALID with a line for each problem.
 */
export async function parseConfig(
  file: string,
  text: string,
  context: ParseContext,
): Promise<LoadedConfig> {
  const document = parseDocument(file, text);
  const lists = { problems: [], warnings: [], ignored: [] };
  const reading: Reading = { ...context, document, folder: dirname(file), ...lists };
  const settings = readSettings(reading, valueOf(document.root) as Plain);
  const servers = await readServers(reading);
  const { problems, warnings, ignored } = reading;
  const policy = settings && readPolicy(reading, settings, servers);
  if (settings === undefined || policy === undefined || problems.length > 0)
    throw problemsError(document, problems);
  if (ignored.length > 0) {
    warnings.push(`${file}: these keys of other hosts have no effect here: ${ignored.join(', ')}.`);
  }
  const { naming } = settings;
  const config = { ...policy, servers, naming, gateway: toGateway(settings, reading) };
  return { file, config, warnings, digest: digestOf(text) };
}
