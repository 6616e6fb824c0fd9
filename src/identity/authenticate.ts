// Who is calling: the principal comes only from a credential in a header of this request.
import { GatewayError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';

/** Headers as node:http has them, names in lower case. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** @throws GatewayError CREDENTIAL_MISSING, CREDENTIAL_INVALID */
export type Authenticate = (headers: Headers) => Principal;

export interface AuthenticatorOptions {
  /** Knows whose a credential is, as `Keyring` does. @throws GatewayError CREDENTIAL_INVALID */
  readonly keyring: { authenticate(credential: string): Principal };
}

/** Each carries the bare key; Authorization carries it after `Bearer`. */
const KEY_HEADERS = ['x-api-key', 'x-toolgate-key', 'x-goog-api-key', 'x-bf-vk'] as const;

const ADVICE =
  'Send `Authorization: Bearer tg_…`; `toolgate snippet <host>` prints settings that work.';

export const createAuthenticator =
  ({ keyring }: AuthenticatorOptions): Authenticate =>
  (headers) =>
    keyring.authenticate(readCredential(headers));

function readCredential(headers: Headers): string {
  let found = bearerOf(headers.authorization);
  for (const name of KEY_HEADERS) {
    const value = headers[name];
    if (value === undefined || value === '') continue;
    if (typeof value !== 'string' || (found !== undefined && found !== value)) {
      throw new GatewayError(
        'CREDENTIAL_INVALID',
        `The request carries two different keys (one in ${name}). Send one of them only.`,
      );
    }
    found = value;
  }
  if (found === undefined) {
    throw new GatewayError('CREDENTIAL_MISSING', `The request carries no key. ${ADVICE}`);
  }
  return found;
}

function bearerOf(header: string | readonly string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  if (header.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  const token = header.slice(7).trim();
  return token === '' ? undefined : token;
}
