// A keyring over a store in memory.
import { randomBytes } from 'node:crypto';
import type { ConfigKey } from '../../../src/config/config.ts';
import { createCredential } from '../../../src/identity/credential.ts';
import { ADMIN, LOCAL } from '../../../src/identity/local-key.ts';
import { createKeyring } from '../../../src/identity/virtual-keys.ts';
import type { KeyChange } from '../../../src/identity/key-fields.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { quietLog as log } from '../../support/log.ts';
import { createTestClock } from './clock.ts';

export const configKey = (
  name: string,
  secret: string,
  more: Partial<ConfigKey> = {},
): ConfigKey => ({
  name,
  secret,
  role: 'caller',
  execute: false,
  team: undefined,
  customer: undefined,
  environment: undefined,
  allowance: { tools: ['*'], deny: [], prompts: undefined, resources: undefined },
  modes: [],
  expiresAt: undefined,
  enabled: true,
  notes: '',
  ...more,
});

export async function openTestKeyring(configKeys: readonly ConfigKey[] = []) {
  const clock = createTestClock();
  const sealKey = randomBytes(32);
  const stores = openStorage({ file: ':memory:', sealKey, log });
  const local = createCredential();
  const admin = createCredential();
  const builtIn = [
    { credential: local, principal: LOCAL },
    { credential: admin, principal: ADMIN },
  ];
  const open = (keys = configKeys) =>
    createKeyring({
      store: stores.keys,
      pepper: stores.pepper,
      configKeys: keys,
      builtIn,
      clock,
      log,
    });
  const keyring = await open();
  const changes: KeyChange[] = [];
  keyring.changed.on((change) => changes.push(change));
  return {
    keyring,
    clock,
    stores,
    local,
    admin,
    /** Another one over the same store, as after a restart. */
    open,
    /** What was told since it was last asked. */
    heard: () => changes.splice(0),
    async [Symbol.asyncDispose]() {
      await keyring[Symbol.asyncDispose]();
      await stores[Symbol.asyncDispose]();
    },
  };
}
