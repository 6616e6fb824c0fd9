// The way in: the configuration file and the environment. Nothing else reads process.env.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';

import { reasonOf } from '../core/errors.ts';
import type { LoadedConfig } from './config.ts';
import { configError } from './document.ts';
import { dataDirectoryOf, readEnvironment } from './environment.ts';
import type { Environment, Variables } from './environment.ts';
import { parseConfig } from './parse.ts';

export interface LoadOptions {
  /** For `${NAME}` and the data directory; default: the process's own. */
  readonly variables?: Variables;
  /** Default: the user's home. */
  readonly home?: string;
}

/**
 * The text of a configuration file, without byte order mark.
 *
 * @throws GatewayError CONFIG_INVALID when there is none or it is not UTF-8.
 */
export async function readConfigText(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw configError(`${file}: there is no such file. \`toolgate init\` writes one.`, error);
    }
    throw configError(`${file}: the file cannot be read (${reasonOf(error)}).`, error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw configError(`${file}: the file is not UTF-8. Save it as UTF-8.`, error);
  }
}

/** As `loadConfig`, for a text that has been read already. */
export function loadConfigText(
  file: string,
  text: string,
  { variables = process.env, home = homedir() }: LoadOptions = {},
): Promise<LoadedConfig> {
  return parseConfig(resolve(file), text, { variables, home });
}

/**
 * Reads and checks a configuration file: JSON with comments and trailing commas.
 *
 * @throws GatewayError CONFIG_INVALID: each problem on its line, `file:line:column path: expected X, got
 * Y`. Values that may be secrets are never in it.
 */
export async function loadConfig(file: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const path = resolve(file);
  return await loadConfigText(path, await readConfigText(path), options);
}

/** @throws GatewayError CONFIG_INVALID for a switch that is neither on nor off. */
export const environment = (): Environment => readEnvironment(process.env);

/** Where data goes when no configuration says otherwise: TOOLGATE_DATA, else the platform's usual place. */
export const platformDataDirectory = (): string => dataDirectoryOf(process.env);
