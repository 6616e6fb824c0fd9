// Where `toolgate keys` reads and changes keys: at the gateway that runs, or in its store when none does.
import { join } from 'node:path';
import type { z } from 'zod';
import { parseBody } from '../http/body.ts';
import { newKeySchema, rotateSchema } from '../http/api/key-schema.ts';
import { toShownKey } from '../http/api/keys.ts';
import type { ShownKey } from '../http/api/keys.ts';
import { ADMIN, loadAdminKey, loadLocalKey, LOCAL } from '../identity/local-key.ts';
import { createKeyring } from '../identity/virtual-keys.ts';
import type { Keyring } from '../identity/virtual-keys.ts';
import { loadSealKey } from '../storage/seal.ts';
import { openStorage } from '../storage/storage.ts';
import { loadFor } from './config-file.ts';
import type { GatewayOption } from './find-gateway.ts';
import { logFor } from './log.ts';
import { joinLocal, joinRemote } from './rest-client.ts';
import type { RestClient } from './rest-client.ts';
import { lockOf } from './serve.ts';
import type { Terminal } from './terminal.ts';

/** As REST takes it. */
export type NewKeyBody = z.input<typeof newKeySchema>;

export interface Issued {
  readonly key: ShownKey;
  readonly secret: string;
}

export interface KeyDesk extends AsyncDisposable {
  /** Of the gateway; undefined when none runs. */
  readonly url: string | undefined;
  list(): Promise<readonly ShownKey[]>;
  create(body: NewKeyBody): Promise<Issued>;
  rotate(id: string, overlapSeconds: number | undefined): Promise<Issued>;
  revoke(id: string): Promise<void>;
}

export async function openKeyDesk(options: GatewayOption, terminal: Terminal): Promise<KeyDesk> {
  if (options.url !== undefined) return restDesk(joinRemote(options.url, options.key));
  const loaded = await loadFor(options, terminal);
  const { dataDirectory } = loaded.config.gateway;
  const running = await joinLocal(dataDirectory, options.key);
  if (running) return restDesk(running);
  const stack = new AsyncDisposableStack();
  try {
    // A gateway that starts meanwhile would not hear of what is changed here.
    stack.use(await lockOf(dataDirectory));
    const log = logFor(loaded.config, terminal, 'error');
    const sealKey = await loadSealKey(dataDirectory);
    const file = join(dataDirectory, 'toolgate.db');
    const stores = stack.use(openStorage({ file, sealKey, log }));
    const builtIn = [
      { credential: await loadLocalKey(dataDirectory), principal: LOCAL },
      { credential: await loadAdminKey(dataDirectory), principal: ADMIN },
    ];
    const { keys: store, pepper } = stores;
    const configKeys = loaded.config.keys;
    const keyring = stack.use(await createKeyring({ store, pepper, configKeys, builtIn, log }));
    return storeDesk(keyring, () => stack.disposeAsync());
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

const PATH = '/v1/mcp/keys';
const pathOf = (id: string): string => `${PATH}/${encodeURIComponent(id)}`;

const restDesk = (rest: RestClient): KeyDesk => ({
  url: rest.url,
  async list() {
    return ((await rest.request('GET', PATH)) as { keys: ShownKey[] }).keys;
  },
  create: async (body) => (await rest.request('POST', PATH, body)) as Issued,
  async rotate(id, overlapSeconds) {
    const body = overlapSeconds === undefined ? {} : { overlapSeconds };
    return (await rest.request('POST', `${pathOf(id)}/rotate`, body)) as Issued;
  },
  async revoke(id) {
    await rest.request('DELETE', pathOf(id));
  },
  [Symbol.asyncDispose]: () => rest[Symbol.asyncDispose](),
});

/** Takes the same bodies as REST does. */
function storeDesk(keyring: Keyring, close: () => Promise<void>): KeyDesk {
  const bytes = (body: object): Buffer => Buffer.from(JSON.stringify(body));
  return {
    url: undefined,
    async list() {
      return Promise.resolve(keyring.list().map(toShownKey));
    },
    async create(body) {
      const { key, secret } = await keyring.create(parseBody(bytes(body), newKeySchema));
      return { key: toShownKey(key), secret };
    },
    async rotate(id, overlapSeconds) {
      const parsed = parseBody(bytes({ overlapSeconds }), rotateSchema).overlapSeconds;
      const overlapMs = parsed === undefined ? undefined : parsed * 1000;
      const { key, secret } = await keyring.rotate(id, overlapMs);
      return { key: toShownKey(key), secret };
    },
    revoke: (id) => keyring.revoke(id),
    [Symbol.asyncDispose]: close,
  };
}
