// Tools whose definition is not the accepted one, and accepting them.
import { z } from 'zod';
import type { PinChange } from '../../policy/pinning-state.ts';
import type { Pinning } from '../../policy/pinning.ts';
import { parseBody } from '../body.ts';
import type { KeyRoute } from '../route.ts';

const PATH = '/v1/mcp/pins';

const acceptSchema = z.strictObject({
  server: z.string().min(1),
  tool: z.string(),
  // Of what was shown: without it somebody could accept what the server says a moment later.
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

export type PinDesk = Pick<Pinning, 'list' | 'diff' | 'accept'>;

/** As programs get it. */
export interface ShownPin {
  readonly server: string;
  readonly tool: string;
  readonly state: string;
  /** Empty: none was ever accepted. */
  readonly acceptedHash: string;
  readonly currentHash: string;
  readonly acceptedAt?: string;
  readonly acceptedBy?: string;
  /** Lines that start with `-`, `+` or a space; what is invisible is escaped. */
  readonly diff: string;
  readonly oddCharacters: readonly object[];
}

function shown(pins: PinDesk, change: PinChange): ShownPin {
  const { acceptedAt, acceptedBy, ...pin } = change;
  return {
    ...pin,
    ...(acceptedAt === undefined ? {} : { acceptedAt: new Date(acceptedAt).toISOString() }),
    ...(acceptedBy === undefined ? {} : { acceptedBy }),
    diff: pins.diff(pin.server, pin.tool),
  };
}

export const pinRoutes = (pins: PinDesk): readonly KeyRoute[] => [
  {
    method: 'GET',
    path: PATH,
    access: 'admin',
    handle: () => ({ status: 200, body: { pins: pins.list().map((one) => shown(pins, one)) } }),
  },
  {
    method: 'POST',
    path: `${PATH}/accept`,
    access: 'admin',
    maxBodyBytes: 10_000,
    async handle({ principal, body }) {
      const { server, tool, hash } = parseBody(body, acceptSchema);
      await pins.accept(server, tool, principal.id, hash);
      return { status: 200, body: { server, tool, hash } };
    },
  },
];
