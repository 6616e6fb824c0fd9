// The shape of a key: `tg_<id>_<secret>`. The id is safe to log, the secret is 256 random bits.
import { randomBytes } from 'node:crypto';

const ID_LENGTH = 8;
const SECRET_BYTES = 32;
const PATTERN = /^tg_([a-z0-9]{8})_[A-Za-z0-9_-]{43}$/;

export function createCredentialId(): string {
  // Base 36 of a 64-bit number has 13 digits at most; the last eight are evenly spread.
  const number = randomBytes(8).readBigUInt64BE();
  return number.toString(36).padStart(ID_LENGTH, '0').slice(-ID_LENGTH);
}

export const createCredential = (id: string = createCredentialId()): string =>
  `tg_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;

/** The id part; undefined for a text that is no key. */
export const credentialId = (text: string): string | undefined => PATTERN.exec(text)?.[1];
