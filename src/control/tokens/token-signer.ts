import { webcrypto } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import type { CryptoKey, JWTPayload } from 'jose';
import { RuntimeError } from '../../base/errors.ts';
import type { SharedSecret } from '../../relay/access/index.ts';

/** RFC 7518 §3.2: a key of the size of the hash or larger. */
const MIN_SECRET_BYTES = 32;
/** Longer tokens are refused unread. */
const MAX_TOKEN_BYTES = 8192;

interface SigningKey {
  readonly kid: string | undefined;
  readonly key: Promise<CryptoKey>;
}

/** How tokens are made. */
export interface TokenRules {
  readonly issuer: string;
  readonly audience: string | undefined;
  /** By how much clocks may differ, in ms. */
  readonly leewayMs: number;
}

/** Signs and verifies the tokens of accounts: JWT, HS256, under secrets that relays share. */
export class TokenSigner {
  readonly #keys: readonly SigningKey[];
  readonly #rules: TokenRules;

  /**
   * @param secrets the first one signs, all of them verify, so that one can take another's place
   * @throws {@link RuntimeError} `invalid_argument` if there is none, or one is shorter than 32 bytes
   */
  constructor(secrets: readonly SharedSecret[], rules: TokenRules) {
    if (secrets.length === 0) throw new RuntimeError('invalid_argument', 'Expected `jwtSecrets` to hold a secret.');
    this.#rules = rules;
    this.#keys = secrets.map(({ kid, secret }) => ({ kid, key: importSecret(secret) }));
  }

  /** A token with these claims, issuer and audience added. Times in Unix seconds. */
  async sign(claims: JWTPayload): Promise<string> {
    const [signing] = this.#keys;
    if (signing === undefined) throw new RuntimeError('invalid_argument', 'there is no secret to sign with');
    const { issuer, audience } = this.#rules;
    return new SignJWT({ ...claims, iss: issuer, ...(audience === undefined ? {} : { aud: audience }) })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...(signing.kid === undefined ? {} : { kid: signing.kid }) })
      .sign(await signing.key);
  }

  /** The claims of a token that holds now; `undefined` for any other text. */
  async verify(token: string, nowMs: number): Promise<JWTPayload | undefined> {
    if (token.length > MAX_TOKEN_BYTES) return undefined;
    const { issuer, audience, leewayMs } = this.#rules;
    const options = {
      issuer,
      algorithms: ['HS256'],
      requiredClaims: ['sub', 'exp'],
      clockTolerance: leewayMs / 1000,
      currentDate: new Date(nowMs),
      ...(audience === undefined ? {} : { audience }),
    };
    for (const key of await this.#candidates(token)) {
      const claims = await jwtVerify(token, key, options).then(
        ({ payload }) => payload,
        () => undefined, // whatever is wrong with it: it does not hold
      );
      // A token for an audience is not for somebody who is told of none (RFC 7519 §4.1.3): that of an operator, for example.
      if (claims !== undefined) return audience === undefined && claims.aud !== undefined ? undefined : claims;
    }
    return undefined;
  }

  #candidates(token: string): Promise<readonly CryptoKey[]> {
    let kid: string | undefined;
    try {
      kid = decodeProtectedHeader(token).kid;
    } catch {
      return Promise.resolve([]); // no token at all
    }
    const named = kid === undefined ? this.#keys : this.#keys.filter((candidate) => candidate.kid === kid);
    return Promise.all(named.map(({ key }) => key));
  }
}

function importSecret(secret: string | Uint8Array): Promise<CryptoKey> {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : new Uint8Array(secret);
  if (bytes.length < MIN_SECRET_BYTES) {
    const text = `Expected each of \`jwtSecrets\` to have at least ${MIN_SECRET_BYTES} bytes, got ${bytes.length}.`;
    throw new RuntimeError('invalid_argument', text);
  }
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return webcrypto.subtle.importKey('raw', bytes, algorithm, false, ['sign', 'verify']);
}
