import { AuthError } from '../../base/errors.ts';
import { systemClock } from '../../base/clock.ts';
import type { AuthenticatorOptions } from './authenticator.ts';
import { OPERATE } from './claims.ts';
import { SharedSecrets } from './shared-secrets.ts';
import { claimsOf, headerOf } from './token-verification.ts';

/** Tells whether somebody may operate the relay. */
export interface OperatorAuthenticator {
  /** @throws {@link AuthError} `auth_failed`, never with the token in its message. */
  authenticate(token: string | undefined): Promise<void>;
}

/** The `aud` of an operator's tokens. */
const AUDIENCE = 'skytale-relay';
/** A token is made for each request: what is stolen on its way is worth little. */
const MAX_LIFE_MS = 60_000;
/** An operator's tokens have some 200 bytes. */
const MAX_TOKEN_BYTES = 2048;

/**
 * Verifies tokens with which a control plane operates the relay: HS256 under a shared secret, `iss` as that of clients, `aud`
 * `skytale-relay`, `scope` `operate`, `exp` at most a minute away. `undefined` without a shared secret: then nobody can.
 */
export function createOperatorAuthenticator(options: AuthenticatorOptions): OperatorAuthenticator | undefined {
  const { secrets = [], issuer = 'skytale-api', leewayMs = 30_000, clock = systemClock } = options;
  if (secrets.length === 0) return undefined;
  const keys = new SharedSecrets(secrets);
  return {
    async authenticate(token) {
      if (token === undefined) throw new AuthError('auth_failed', 'a token is asked for');
      if (token.length > MAX_TOKEN_BYTES) throw new AuthError('auth_failed', 'the token is too long');
      const nowMs = clock.now();
      const { exp = Infinity, scope } = await claimsOf(token, await keys.candidates(headerOf(token).kid), {
        algorithms: ['HS256'],
        issuer,
        audience: AUDIENCE,
        clockTolerance: leewayMs / 1000,
        requiredClaims: ['exp'],
        currentDate: new Date(nowMs),
      });
      if (exp * 1000 > nowMs + MAX_LIFE_MS + leewayMs) {
        throw new AuthError('auth_failed', 'the token lives for more than a minute');
      }
      if (scope !== OPERATE) throw new AuthError('auth_failed', `the token does not have the scope ${OPERATE}`);
    },
  };
}
