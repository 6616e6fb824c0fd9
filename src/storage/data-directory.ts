// The directory where everything is kept, and the note in it that tells where its gateway listens.
import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { GatewayError, reasonOf } from '../core/errors.ts';

const GATEWAY_FILE = 'gateway.json';

const unusable = (path: string, what: string, cause?: unknown): GatewayError =>
  new GatewayError(
    'DATA_UNREADABLE',
    `The data directory ${path} ${what}. Give this user the right to read and write it, or name ` +
      'another directory in TOOLGATE_DATA.',
    { cause },
  );

/**
 * Makes the directory, for this user alone, where it is missing.
 * @returns its absolute path
 * @throws GatewayError DATA_UNREADABLE
 */
export async function openDataDirectory(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    await makeDirectory(absolute);
    if ((await stat(absolute)).isDirectory()) {
      await access(absolute, constants.R_OK | constants.W_OK | constants.X_OK);
      return absolute;
    }
  } catch (error) {
    throw unusable(absolute, `cannot be used: ${reasonOf(error)}`, error);
  }
  throw unusable(absolute, 'is no directory');
}

/**
 * One level after the other: node's own recursive mkdir never ends where a parent exists but takes no folders,
 * as in /proc.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path || (await isThere(parent))) throw error;
    await makeDirectory(parent);
    await makeDirectory(path);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false; // Whatever the reason is, mkdir will tell it.
  }
}

/** Where the gateway of a data directory listens. */
export interface GatewayFile {
  /** The address of the gateway, such as `http://127.0.0.1:8931`. */
  readonly url: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly version: string;
}

/**
 * Only the holder of the lock writes and removes this file.
 * @throws GatewayError DATA_UNREADABLE
 */
export async function writeGatewayFile(directory: string, file: GatewayFile): Promise<void> {
  const { url, pid, startedAt, version } = file;
  const path = join(directory, GATEWAY_FILE);
  const fresh = `${path}.${randomUUID()}.tmp`;
  try {
    const text = `${JSON.stringify({ url, pid, startedAt, version }, null, 2)}\n`;
    await writeFile(fresh, text, { mode: 0o600, flag: 'wx' });
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw unusable(directory, `takes no file: ${reasonOf(error)}`, error);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function toGatewayFile(value: unknown): GatewayFile | undefined {
  if (!isRecord(value)) return undefined;
  const { url, pid, startedAt, version } = value;
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  if (typeof pid !== 'number' || typeof startedAt !== 'string') return undefined;
  return { url, pid, startedAt, version: typeof version === 'string' ? version : '' };
}

/** @returns undefined when there is none, or none that can be read: then no gateway can be joined by it. */
export async function readGatewayFile(directory: string): Promise<GatewayFile | undefined> {
  try {
    return toGatewayFile(JSON.parse(await readFile(join(directory, GATEWAY_FILE), 'utf8')));
  } catch {
    return undefined;
  }
}

export async function removeGatewayFile(directory: string): Promise<void> {
  await rm(join(directory, GATEWAY_FILE), { force: true });
}
