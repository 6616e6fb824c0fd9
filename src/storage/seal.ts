// Secrets at rest: AES-256-GCM, each text bound to the row it belongs to, `v1.<nonce>.<ciphertext and tag>`.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { GatewayError } from '../core/errors.ts';
import type { Seal } from '../core/seal.ts';
import { loadSecretFile } from './secret-file.ts';

const FILE = 'seal.key';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Of 32 random bytes about 30 differ; a placeholder has few. */
const LEAST_DIFFERENT_BYTES = 16;

function toKey(text: string): Buffer | undefined {
  const isHex = /^[0-9a-f]{64}$/i.test(text);
  if (!isHex && !/^[A-Za-z0-9_+/-]{43}=?$/.test(text)) return undefined;
  const key = Buffer.from(text, isHex ? 'hex' : 'base64');
  if (key.length !== KEY_BYTES || new Set(key).size < LEAST_DIFFERENT_BYTES) return undefined;
  return key;
}

/**
 * The key under which all secrets of a data directory lie: the one given, else `<directory>/seal.key`,
 * mode 0600, made at the first start.
 * @param given TOOLGATE_SEAL_KEY: 32 random bytes as base64 or hex
 * @throws GatewayError SEAL_KEY_WRONG, DATA_UNREADABLE
 */
export async function loadSealKey(directory: string, given?: string): Promise<Buffer> {
  if (given !== undefined) {
    const key = toKey(given);
    if (key) return key;
    throw new GatewayError(
      'SEAL_KEY_WRONG',
      'TOOLGATE_SEAL_KEY must be 32 random bytes as base64 or hex, such as `openssl rand -base64 32` prints.',
    );
  }
  const text = await loadSecretFile({
    path: join(directory, FILE),
    create: () => randomBytes(KEY_BYTES).toString('base64url'),
    isValid: (one) => toKey(one) !== undefined,
    advice: 'Put the right one back: what is stored can be read with it alone.',
  });
  return toKey(text)!;
}

/** A key for one purpose, from which neither the first nor another one can be told. */
export const deriveKey = (sealKey: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', sealKey, '', `toolgate ${purpose} v1`, KEY_BYTES));

export function createSeal(sealKey: Buffer): Seal {
  const key = deriveKey(sealKey, 'seal');
  return {
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
      const parts = [cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return `v1.${nonce.toString('base64url')}.${Buffer.concat(parts).toString('base64url')}`;
    },
    open(sealed, context) {
      const match = /^v1\.([\w-]{16})\.([\w-]{22,})$/.exec(sealed);
      if (!match) return undefined;
      const bytes = Buffer.from(match[2]!, 'base64url');
      // Another spelling of the same bytes would be another text that opens.
      if (bytes.length < TAG_BYTES || bytes.toString('base64url') !== match[2]) return undefined;
      const nonce = Buffer.from(match[1]!, 'base64url');
      const at = bytes.length - TAG_BYTES;
      const options = { authTagLength: TAG_BYTES };
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, options);
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(at));
      try {
        const text = Buffer.concat([decipher.update(bytes.subarray(0, at)), decipher.final()]);
        return text.toString('utf8');
      } catch {
        return undefined; // Altered, moved to another place, or of another key.
      }
    },
  };
}
