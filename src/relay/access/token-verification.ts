import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { CryptoKey, JWTPayload, JWTVerifyOptions } from 'jose';
import { AuthError } from '../../base/errors.ts';

/** What a token says of itself. Nothing of it is verified. */
export interface TokenHeader {
  readonly alg: string;
  /** `undefined` if it names no key. */
  readonly kid: string | undefined;
}

/** Reads the header of a token. @throws {@link AuthError} `auth_failed` */
export function headerOf(token: string): TokenHeader {
  let header;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    throw malformed();
  }
  const { alg, kid } = header as Record<string, unknown>;
  if (typeof alg !== 'string' || (kid !== undefined && typeof kid !== 'string')) throw malformed();
  return { alg, kid };
}

/**
 * The claims of a token that one of the keys has made.
 *
 * @throws {@link AuthError} `auth_failed`, without the original as cause, which holds the claims.
 */
export async function claimsOf(
  token: string,
  keys: readonly CryptoKey[],
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  for (const key of keys) {
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw authErrorOf(error);
    }
  }
  throw new AuthError('auth_failed', 'the token was not made with a key that this relay knows');
}

function authErrorOf(error: unknown): AuthError {
  if (error instanceof errors.JWTExpired) return new AuthError('auth_failed', 'the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new AuthError('auth_failed', CLAIM_TEXTS[error.claim] ?? 'a claim of the token does not hold');
  }
  if (error instanceof errors.JOSEError) return malformed();
  throw error;
}

const CLAIM_TEXTS: Readonly<Record<string, string>> = {
  iss: 'the token was made by another issuer',
  aud: 'the token is meant for another audience',
  nbf: 'the token is not valid yet, by the clock of this relay',
  exp: 'the token has no end (`exp`)',
  sub: 'the token names no account (`sub`)',
};

function malformed(): AuthError {
  return new AuthError('auth_failed', 'the token is malformed');
}
