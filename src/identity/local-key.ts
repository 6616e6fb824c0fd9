// The two credentials that the first start makes: one for the programs of the person who runs the gateway,
// one for that person's own commands. They are the only ones that are kept in clear.
import { join } from 'node:path';
import type { Principal } from '../core/principal.ts';
import { loadSecretFile } from '../storage/secret-file.ts';
import { createCredential, credentialId } from './credential.ts';

const load = (directory: string, name: string): Promise<string> =>
  loadSecretFile({
    path: join(directory, name),
    create: () => createCredential(),
    isValid: (text) => credentialId(text) !== undefined,
    advice: 'Delete the file; the next start makes another key.',
  });

/**
 * `<directory>/local.key`, which snippets carry.
 * @throws GatewayError DATA_UNREADABLE
 */
export const loadLocalKey = (directory: string): Promise<string> => load(directory, 'local.key');

/**
 * `<directory>/admin.key`, which only commands at this machine's terminal read.
 * @throws GatewayError DATA_UNREADABLE
 */
export const loadAdminKey = (directory: string): Promise<string> => load(directory, 'admin.key');

const everything = Object.freeze({
  tools: ['*'],
  deny: [],
  prompts: undefined,
  resources: undefined,
});

const base = {
  team: undefined,
  customer: undefined,
  environment: undefined,
  allowance: everything,
  modes: [],
} as const;

/** Without `execute`: an agent that holds its host's key cannot say yes to its own calls. */
export const LOCAL: Principal = Object.freeze({
  id: 'local',
  name: 'local',
  role: 'caller',
  execute: false,
  ...base,
});

export const ADMIN: Principal = Object.freeze({
  id: 'admin',
  name: 'admin',
  role: 'admin',
  execute: true,
  ...base,
});
