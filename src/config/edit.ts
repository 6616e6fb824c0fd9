// Changes to the configuration file by commands. Comments, order and indentation stay as they are.
import { randomUUID } from 'node:crypto';
import { mkdir, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { findNodeAtLocation } from 'jsonc-parser';

import { reasonOf } from '../core/errors.ts';
import { configError, parseDocument, valueOf } from './document.ts';
import type { Document } from './document.ts';
import { readConfigText } from './load.ts';
import { didYouMean } from './nearest.ts';
import { parseConfig } from './parse.ts';
import type { ServerEntryInput } from './schema.ts';
import { serverNameOf } from './server-names.ts';
import { removeProperty, setProperty } from './splice.ts';
import { STARTER } from './starter.ts';

interface Opened {
  readonly document: Document;
  readonly root: 'mcpServers' | 'servers';
  readonly names: readonly string[];
}

async function openForEdit(file: string): Promise<Opened> {
  const path = resolve(file);
  const document = parseDocument(path, await readConfigText(path));
  const has = (key: string): boolean => findNodeAtLocation(document.root, [key]) !== undefined;
  const root = has('servers') && !has('mcpServers') ? 'servers' : 'mcpServers';
  const node = findNodeAtLocation(document.root, [root]);
  if (node !== undefined && node.type !== 'object') {
    throw configError(`${path}: "${root}" is no object. Correct that by hand first.`);
  }
  const names = node === undefined ? [] : Object.keys(valueOf(node) as object);
  return { document, root, names };
}

/** Replaces the file in one step, so that a reader sees the old content or the new, never half of it. */
async function replaceFile(file: string, text: string): Promise<void> {
  // A link stays a link.
  const target = await realpath(file);
  const { mode } = await stat(target);
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
  try {
    {
      await using handle = await open(temporary, 'wx', mode);
      // The umask had its say at the opening.
      await handle.chmod(mode);
      await handle.writeFile(text);
      await handle.sync();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw configError(`${file}: the file cannot be written (${reasonOf(error)}).`, error);
  }
}

async function save({ document }: Opened, text: string): Promise<void> {
  // An edit that spoils the file is a fault of ours and must not reach the disk.
  parseDocument(document.file, text);
  await replaceFile(document.file, text);
}

/** The key in the file of the server that goes by this name. */
function keyOf({ document, names }: Opened, name: string): string {
  const key = names.includes(name) ? name : names.find((other) => serverNameOf(other) === name);
  if (key !== undefined) return key;
  const hint = didYouMean(name, names).replace('; did', ' Did');
  const known = names.length === 0 ? 'It has none yet.' : `It has ${names.join(', ')}.`;
  throw configError(`${document.file} has no server "${name}". ${known}${hint}`);
}

/** @throws GatewayError CONFIG_INVALID that says what is wrong with the entry. Variables may be unset. */
async function assertEntry(file: string, name: string, entry: ServerEntryInput): Promise<void> {
  // Switched off, so that variables may be unset and files missing.
  const { enabled: _, ...rest } = entry;
  const text = JSON.stringify({ mcpServers: { [name]: { ...rest, disabled: true } } });
  try {
    await parseConfig(file, text, { variables: {}, home: '/' });
  } catch (error) {
    const lines = reasonOf(error).split('\n');
    // The places are those of a text that nobody has seen.
    const told = lines.map((line) => line.slice(file.length).replace(/^:\d+:\d+ /, ''));
    throw configError(`The server "${name}" cannot be added: ${told.join('\n')}`, error);
  }
}

/**
 * Adds a server at the end of the list.
 *
 * @throws GatewayError CONFIG_INVALID when the file is missing or wrong, when it has a server of that name,
 * or when the entry is wrong.
 */
export async function addServer(
  file: string,
  name: string,
  entry: ServerEntryInput,
): Promise<void> {
  const opened = await openForEdit(file);
  const { document, root, names } = opened;
  const slug = serverNameOf(name);
  if (slug === undefined) throw configError('A server needs a name.');
  const other = names.find((key) => key === name || serverNameOf(key) === slug);
  if (other !== undefined) {
    throw configError(
      `${document.file} has a server "${other}" already. Remove it first or take another name.`,
    );
  }
  await assertEntry(document.file, name, entry);
  const { text, root: node } = document;
  const hasList = findNodeAtLocation(node, [root]) !== undefined;
  await save(
    opened,
    hasList
      ? setProperty(text, node, [root], name, entry)
      : setProperty(text, node, [], root, { [name]: entry }),
  );
}

/** @throws GatewayError CONFIG_INVALID when the file is missing or wrong or has no such server. */
export async function removeServer(file: string, name: string): Promise<void> {
  const opened = await openForEdit(file);
  const { document, root } = opened;
  const path = [root, keyOf(opened, name)];
  await save(opened, removeProperty(document.text, document.root, path));
}

/**
 * Writes `disabled`, which other hosts know too, unless the entry says `enabled`.
 *
 * @throws GatewayError CONFIG_INVALID when the file is missing or wrong or has no such server.
 */
export async function setEnabled(file: string, name: string, enabled: boolean): Promise<void> {
  const opened = await openForEdit(file);
  const { document, root } = opened;
  const path = [root, keyOf(opened, name)];
  const has = (key: string): boolean =>
    findNodeAtLocation(document.root, [...path, key]) !== undefined;
  let { text } = document;
  if (has('enabled')) {
    text = setProperty(text, document.root, path, 'enabled', enabled);
    if (has('disabled')) {
      const { root: node } = parseDocument(document.file, text);
      text = setProperty(text, node, path, 'disabled', !enabled);
    }
  } else if (!enabled) {
    text = setProperty(text, document.root, path, 'disabled', true);
  } else if (has('disabled')) {
    text = removeProperty(text, document.root, [...path, 'disabled']);
  }
  if (text !== document.text) await save(opened, text);
}

/**
 * Writes a commented file to start from, readable by its owner alone: it may come to hold secrets.
 *
 * @returns its absolute path.
 * @throws GatewayError CONFIG_INVALID when there is a file already or it cannot be written.
 */
export async function initConfig(file: string): Promise<string> {
  const path = resolve(file);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, STARTER, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw configError(`${path} exists already. It stays as it is.`, error);
    }
    throw configError(`${path}: the file cannot be written (${reasonOf(error)}).`, error);
  }
  return path;
}
