// Who is calling: the principal comes only from a credential in a header of this request.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import { credentialId } from './credential.ts';

/** Headers as node:http has them, names in lower case. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** @throws GatewayError CREDENTIAL_MISSING, CREDENTIAL_INVALID */
export type Authenticate = (headers: Headers) => Principal;

export interface AuthenticatorOptions {
  /** What `loadLocalKey` gave. */
  readonly localKey: string;
}

/** Each carries the bare key; Authorization carries it after `Bearer`. */
const KEY_HEADERS = ['x-api-key', 'x-toolgate-key', 'x-goog-api-key', 'x-bf-vk'] as const;

const ADVICE =
  'Send `Authorization: Bearer tg_…`; `toolgate snippet <host>` prints settings that work.';

export function createAuthenticator({ localKey }: AuthenticatorOptions): Authenticate {
  // Digests are compared, keyed anew in each process, so that time tells nothing about the key.
  const pepper = randomBytes(32).toString('base64url');
  const digest = (text: string): Buffer => hash('sha256', pepper + text, 'buffer');
  const id = credentialId(localKey);
  if (id === undefined)
    throw new GatewayError('INTERNAL', 'The local key has not the form of a key.');
  const keys = new Map([
    [id, { digest: digest(localKey), principal: Object.freeze({ id: 'local', name: 'local' }) }],
  ]);

  return (headers) => {
    const credential = readCredential(headers);
    const known = keys.get(credentialId(credential) ?? '');
    // The digest is made either way: an unknown id takes no less time.
    const given = digest(credential);
    if (!known || !timingSafeEqual(given, known.digest)) {
      throw new GatewayError('CREDENTIAL_INVALID', `This key is unknown to the gateway. ${ADVICE}`);
    }
    return known.principal;
  };
}

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
