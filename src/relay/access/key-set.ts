import { importJWK } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import { checkInteger } from '../../base/check.ts';
import type { Clock } from '../../base/clock.ts';
import { RuntimeError, TransportError } from '../../base/errors.ts';
import { fetchDocument } from './key-document.ts';

/** Where the public keys of an issuer of EdDSA tokens are (RFC 7517 §5). */
export interface KeySetOptions {
  /** `https:`, or `http:` on this machine: whoever can change the answer on its way can make tokens. */
  readonly url: string;
  /** How long a fetched set is used before it is fetched again, in ms. Default 10 minutes. */
  readonly maxAgeMs?: number;
  /**
   * Least time between two fetches, in ms, so that tokens with invented keys cannot make the relay hammer the URL. A new
   * key should be published for so long before it is used. Default 30,000.
   */
  readonly coolDownMs?: number;
  /** Time that a fetch may take, in ms. Default 5,000. */
  readonly timeoutMs?: number;
}

const MAX_KEYS = 64;

/**
 * The Ed25519 keys behind a URL. Fetched when first needed, when old, and when a token names a key that is not known.
 * A set that cannot be fetched again stays in use: an issuer that is down does not lock its users out.
 */
export class KeySet {
  readonly #url: URL;
  readonly #maxAgeMs: number;
  readonly #coolDownMs: number;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  /** By `kid`; `undefined` until a set was fetched. */
  #keys: ReadonlyMap<string | undefined, CryptoKey> | undefined;
  #fetchedAtMs = 0;
  #attemptedAtMs: number | undefined;
  #underWay: Promise<void> | undefined;
  #lastError: unknown;

  /** @throws {@link RuntimeError} `invalid_argument` */
  constructor(options: KeySetOptions, clock: Clock) {
    this.#url = checkUrl(options.url);
    this.#maxAgeMs = checkInteger('jwks.maxAgeMs', options.maxAgeMs ?? 600_000, 1);
    this.#coolDownMs = checkInteger('jwks.coolDownMs', options.coolDownMs ?? 30_000, 0);
    this.#timeoutMs = checkInteger('jwks.timeoutMs', options.timeoutMs ?? 5000, 1);
    this.#clock = clock;
  }

  /**
   * The key that may have made a token: the one that its `kid` names, or without one the only one there is.
   *
   * @throws {@link TransportError} `connection_error` if no set could be fetched yet.
   */
  async candidates(kid: string | undefined): Promise<readonly CryptoKey[]> {
    const now = this.#clock.now();
    const isOld = Math.abs(now - this.#fetchedAtMs) >= this.#maxAgeMs; // also after the clock was put back
    if (this.#keys === undefined || isOld || this.#find(kid) === undefined) await this.#refresh(now);
    if (this.#keys === undefined) {
      throw new TransportError('connection_error', 'the key set cannot be fetched', { cause: this.#lastError });
    }
    const key = this.#find(kid);
    return key === undefined ? [] : [key];
  }

  #find(kid: string | undefined): CryptoKey | undefined {
    if (kid !== undefined) return this.#keys?.get(kid);
    return this.#keys?.size === 1 ? [...this.#keys.values()][0] : undefined;
  }

  /** Fetches the set unless that was tried a moment ago. Never rejects. */
  #refresh(now: number): Promise<void> {
    if (this.#underWay !== undefined) return this.#underWay;
    if (this.#attemptedAtMs !== undefined && Math.abs(now - this.#attemptedAtMs) < this.#coolDownMs) {
      return Promise.resolve();
    }
    this.#attemptedAtMs = now;
    this.#underWay = this.#fetch().finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  async #fetch(): Promise<void> {
    try {
      this.#keys = await importKeys(await fetchDocument(this.#url, this.#timeoutMs, this.#clock));
      this.#fetchedAtMs = this.#clock.now();
    } catch (error) {
      this.#lastError = error; // told to whoever needs the set and has none; with an old one nobody needs to know
    }
  }
}

/** Ed25519 keys for signatures; a set may hold others, for other uses. */
async function importKeys(document: unknown): Promise<ReadonlyMap<string | undefined, CryptoKey>> {
  const listed = (document as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(listed)) throw new TransportError('protocol_error', 'the document is no key set');
  const keys = new Map<string | undefined, CryptoKey>();
  for (const jwk of listed as readonly (JWK | null)[]) {
    if (jwk?.kty !== 'OKP' || jwk.crv !== 'Ed25519' || (jwk.use !== undefined && jwk.use !== 'sig')) continue;
    if (keys.size === MAX_KEYS) throw new TransportError('protocol_error', `a key set of more than ${MAX_KEYS} keys`);
    // Public members only: a set that gives its private key away by mistake would be imported for signing.
    const { kty, crv, x, kid } = jwk;
    keys.set(kid, (await importJWK({ kty, crv, x } as JWK, 'EdDSA')) as CryptoKey);
  }
  return keys;
}

function checkUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  if (url?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) return url;
  throw new RuntimeError(
    'invalid_argument',
    'Expected `jwks.url` to be an https: URL, or an http: one on this machine.',
  );
}
