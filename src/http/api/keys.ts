// Virtual keys, for admins. A secret is in two answers only: that of POST, and that of rotate.
import type { Mode } from '../../core/principal.ts';
import type { KeyView } from '../../identity/key-fields.ts';
import { parseBody } from '../body.ts';
import type { KeyRoute } from '../route.ts';
import { newKeySchema, patchSchema, rotateSchema } from './key-schema.ts';
import type { ApiDependencies } from './route-table.ts';

const PATH = '/v1/mcp/keys';
const ONE = `${PATH}/:id`;
const MAX_BODY_BYTES = 256 * 1024;

export type ShownKey = Omit<KeyView, 'modes'> & {
  readonly modes: Readonly<Record<string, Mode>>;
};

/** Modes as the configuration has them, so that what is shown can be written there. */
export const toShownKey = ({ modes, ...key }: KeyView): ShownKey => ({
  ...key,
  modes: Object.fromEntries(modes.map(({ tools, mode }) => [tools, mode])),
});

const ADMIN = { access: 'admin' } as const;
const ADMIN_WRITES = { ...ADMIN, maxBodyBytes: MAX_BODY_BYTES } as const;

export const keyRoutes = ({ keys }: Pick<ApiDependencies, 'keys'>): readonly KeyRoute[] => [
  {
    ...ADMIN,
    method: 'GET',
    path: PATH,
    handle: () => ({ status: 200, body: { keys: keys.list().map(toShownKey) } }),
  },
  {
    ...ADMIN_WRITES,
    method: 'POST',
    path: PATH,
    async handle({ body }) {
      const { key, secret } = await keys.create(parseBody(body, newKeySchema));
      return { status: 201, body: { key: toShownKey(key), secret } };
    },
  },
  {
    ...ADMIN,
    method: 'GET',
    path: ONE,
    handle: ({ params }) => ({ status: 200, body: { key: toShownKey(keys.show(params['id']!)) } }),
  },
  {
    ...ADMIN_WRITES,
    method: 'PATCH',
    path: ONE,
    async handle({ params, body }) {
      const key = await keys.update(params['id']!, parseBody(body, patchSchema));
      return { status: 200, body: { key: toShownKey(key) } };
    },
  },
  {
    ...ADMIN,
    method: 'DELETE',
    path: ONE,
    async handle({ params }) {
      await keys.revoke(params['id']!);
      return { status: 204 };
    },
  },
  {
    ...ADMIN_WRITES,
    method: 'POST',
    path: `${ONE}/rotate`,
    async handle({ params, body }) {
      const { overlapSeconds } = parseBody(body, rotateSchema);
      const overlapMs = overlapSeconds === undefined ? undefined : overlapSeconds * 1000;
      const { key, secret } = await keys.rotate(params['id']!, overlapMs);
      return { status: 200, body: { key: toShownKey(key), secret } };
    },
  },
];
