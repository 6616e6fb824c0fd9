// The part of the composition root that opens what is kept: the database, the seal, the keys.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { LoadedConfig } from './config/config.ts';
import { ADMIN, loadAdminKey, LOCAL } from './identity/local-key.ts';
import { createKeyring } from './identity/virtual-keys.ts';
import type { Keyring } from './identity/virtual-keys.ts';
import { loadSealKey } from './storage/seal.ts';
import { openStorage } from './storage/storage.ts';
import type { Storage } from './storage/storage.ts';

export interface StoreOptions {
  readonly loaded: LoadedConfig;
  readonly log: Logger;
  readonly storage: 'disk' | 'memory';
}

export async function openStores({ loaded, log, storage }: StoreOptions): Promise<Storage> {
  const { dataDirectory } = loaded.config.gateway;
  if (storage === 'memory') return openStorage({ file: ':memory:', sealKey: randomBytes(32), log });
  const sealKey = await loadSealKey(dataDirectory);
  return openStorage({ file: join(dataDirectory, 'toolgate.db'), sealKey, log });
}

/** @param local the local key */
export async function openKeyring(
  { loaded, log }: StoreOptions,
  stores: Storage,
  local: string,
): Promise<Keyring> {
  const { gateway, keys } = loaded.config;
  return createKeyring({
    store: stores.keys,
    pepper: stores.pepper,
    configKeys: keys,
    builtIn: [
      { credential: local, principal: LOCAL },
      { credential: await loadAdminKey(gateway.dataDirectory), principal: ADMIN },
    ],
    log,
  });
}
