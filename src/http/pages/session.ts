// Who is signed in at the pages. The cookie holds the key itself, sealed, so that each request asks anew whether the
// key still counts, and nothing has to be remembered here.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError, isGatewayError } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import type { Seal } from '../../core/seal.ts';

const LIFE_SECONDS = 15 * 60;
const CONTEXT = 'page session';
const PLAIN = 'toolgate_session';
/** Browsers take this name only over https, for this host alone. */
const SECURE = '__Host-toolgate_session';

export interface PageSession {
  readonly principal: Principal;
  /** Stands in each form of the session, and no other page can know it. */
  readonly token: string;
}

export interface PageSessionsOptions {
  readonly seal: Seal;
  /** @throws GatewayError CREDENTIAL_… */
  readonly authenticate: (headers: IncomingHttpHeaders) => Principal;
  /** Where people reach the gateway. */
  readonly url: () => string;
}

interface Sealed {
  readonly key: string;
  readonly nonce: string;
  readonly expiresAt: number;
}

const tokenOf = (nonce: string): string =>
  createHash('sha256').update(`form|${nonce}`).digest('base64url');

export class PageSessions {
  readonly #options: PageSessionsOptions;

  constructor(options: PageSessionsOptions) {
    this.#options = options;
  }

  /** The request came by the address that people are given, over https. */
  #isSecure({ host }: IncomingHttpHeaders): boolean {
    const { protocol, host: own } = new URL(this.#options.url());
    return protocol === 'https:' && host === own;
  }

  #principalOf(key: string): Principal {
    return this.#options.authenticate({ authorization: `Bearer ${key}` });
  }

  read(headers: IncomingHttpHeaders): PageSession | undefined {
    const name = this.#isSecure(headers) ? SECURE : PLAIN;
    const cookies = (headers.cookie ?? '').split(';').map((part) => part.trim());
    const text = cookies.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
    const opened = text === undefined ? undefined : this.#options.seal.open(text, CONTEXT);
    if (opened === undefined) return undefined;
    const { key, nonce, expiresAt } = JSON.parse(opened) as Sealed;
    if (expiresAt <= Date.now()) return undefined;
    try {
      return { principal: this.#principalOf(key), token: tokenOf(nonce) };
    } catch (error) {
      if (isGatewayError(error)) return undefined; // The key no longer counts.
      throw error;
    }
  }

  /** @returns the `Set-Cookie`. @throws GatewayError CREDENTIAL_INVALID */
  signIn(headers: IncomingHttpHeaders, key: string): string {
    this.#principalOf(key);
    const expiresAt = Date.now() + LIFE_SECONDS * 1000;
    const sealed: Sealed = { key, nonce: randomBytes(18).toString('base64url'), expiresAt };
    return this.#cookie(
      headers,
      this.#options.seal.seal(JSON.stringify(sealed), CONTEXT),
      LIFE_SECONDS,
    );
  }

  signOut(headers: IncomingHttpHeaders): string {
    return this.#cookie(headers, '', 0);
  }

  #cookie(headers: IncomingHttpHeaders, value: string, seconds: number): string {
    const isSecure = this.#isSecure(headers);
    const name = isSecure ? SECURE : PLAIN;
    return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
  }

  /** The form came from a page of this gateway. @throws GatewayError ORIGIN_REFUSED */
  assertOwnForm({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): void {
    const own = new URL(this.#options.url());
    const isOwn = origin === `http://${host}` || (origin === own.origin && host === own.host);
    if (isOwn && (site === undefined || site === 'same-origin')) return;
    throw new GatewayError('ORIGIN_REFUSED', 'This form was not sent from a page of this gateway.');
  }

  /** @throws GatewayError ORIGIN_REFUSED */
  assertToken({ token }: PageSession, given: string | null): void {
    const [own, other] = [token, given ?? ''].map((one) =>
      createHash('sha256').update(one).digest(),
    );
    if (timingSafeEqual(own!, other!)) return;
    throw new GatewayError(
      'ORIGIN_REFUSED',
      'This form is of another session. Open the page again.',
    );
  }
}
