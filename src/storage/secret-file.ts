// A secret in a file of its own, for this user alone: read it, or make it where it is missing.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GatewayError, reasonOf } from '../core/errors.ts';

export interface SecretFile {
  readonly path: string;
  readonly create: () => string;
  readonly isValid: (text: string) => boolean;
  /** What a person does about a file that holds something else. */
  readonly advice: string;
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/**
 * The file has mode 0600. Processes that start together end with the same secret.
 * @throws GatewayError DATA_UNREADABLE
 */
export async function loadSecretFile(file: SecretFile): Promise<string> {
  const { path } = file;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return (await readSecret(file)) ?? (await makeSecret(file));
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('DATA_UNREADABLE', `The key file ${path}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

async function readSecret({ path, isValid, advice }: SecretFile): Promise<string | undefined> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (!isValid(text)) throw new GatewayError('DATA_UNREADABLE', `${path} holds no key. ${advice}`);
  // A copy or a backup may have widened it.
  await chmod(path, 0o600);
  return text;
}

/** The file appears whole or not at all: it is written beside, then linked; a link fails if it is there. */
async function makeSecret(file: SecretFile): Promise<string> {
  const { path, create } = file;
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(`${create()}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await publish(draft, path);
  } finally {
    await unlink(draft).catch(() => undefined);
  }
  const text = await readSecret(file);
  if (text === undefined) throw new GatewayError('DATA_UNREADABLE', `${path} vanished at once.`);
  return text;
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
