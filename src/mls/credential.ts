import { RuntimeError } from '../base/errors.ts';
import { checkBytes } from '../base/check.ts';
import type { AuthenticationService } from 'ts-mls/authenticationService.js';
import type { Credential } from 'ts-mls/credential.js';

/** The longest identity in bytes. It stands in every leaf, and every Welcome carries every leaf. */
export const MAX_IDENTITY_BYTES = 1024;

/** A basic credential (RFC 9420 §5.3) for an agent's identity. */
export function basicCredential(identity: Uint8Array): Credential {
  return { credentialType: 'basic', identity };
}

/** The identity that a credential stands for, or `undefined` where it is not one of ours. */
export function identityOf(credential: Credential): Uint8Array | undefined {
  if (credential.credentialType !== 'basic') return undefined;
  const { identity } = credential;
  return identity.length >= 1 && identity.length <= MAX_IDENTITY_BYTES ? identity : undefined;
}

/**
 * `identity`, if it can be an agent's identity: 1 to {@link MAX_IDENTITY_BYTES} bytes.
 *
 * @throws {@link RuntimeError} `invalid_argument`
 */
export function checkIdentity(identity: Uint8Array): Uint8Array {
  checkBytes('identity', identity);
  if (identity.length >= 1 && identity.length <= MAX_IDENTITY_BYTES) return identity;
  throw new RuntimeError(
    'invalid_argument',
    `Expected \`identity\` to have 1 to ${MAX_IDENTITY_BYTES} bytes, got ${identity.length}.`,
  );
}

/**
 * Accepts a leaf's credential if it is a basic one with a usable identity. The library's default accepts everything.
 *
 * Whether the identity is who it says it is cannot be seen here, where nothing is known of the group. The member that adds
 * an agent answers for it, the rules of membership keep identity and signature key together while it is there, pins tell
 * when it comes back with another key, and the engine's `acceptMember` may refuse it.
 */
export const authenticationService: AuthenticationService = {
  validateCredential: (credential) => Promise.resolve(identityOf(credential) !== undefined),
};
