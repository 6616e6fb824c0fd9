// The credential that the first start makes, for the programs of the person who runs the gateway.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError, reasonOf } from '../core/errors.ts';
import { createCredential, credentialId } from './credential.ts';

const FILE = 'local.key';

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/**
 * Reads the local key of a data directory, or makes it: `<directory>/local.key`, mode 0600. Processes that
 * start together end with the same key.
 * @throws GatewayError DATA_UNREADABLE
 */
export async function loadLocalKey(directory: string): Promise<string> {
  const path = join(directory, FILE);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return (await readKey(path)) ?? (await makeKey(path));
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('DATA_UNREADABLE', `The key file ${path}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

async function readKey(path: string): Promise<string | undefined> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (credentialId(text) === undefined) {
    throw new GatewayError(
      'DATA_UNREADABLE',
      `${path} holds no key. Delete the file; the next start makes another key.`,
    );
  }
  // A copy or a backup may have widened it.
  await chmod(path, 0o600);
  return text;
}

/** The file appears whole or not at all: it is written beside, then linked; a link fails if it is there. */
async function makeKey(path: string): Promise<string> {
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${createCredential()}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await publish(draft, path);
  } finally {
    await unlink(draft).catch(() => undefined);
  }
  const key = await readKey(path);
  if (key === undefined) throw new GatewayError('DATA_UNREADABLE', `${path} vanished at once.`);
  return key;
}

async function publish(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    // Some file systems have no links.
    await copyFile(draft, path, constants.COPYFILE_EXCL).catch((fault: unknown) => {
      if (codeOf(fault) !== 'EEXIST') throw fault;
    });
  }
}
