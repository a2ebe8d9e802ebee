import type { CryptoKey, JWTVerifyOptions } from 'jose';
import { checkInteger } from '../../base/check.ts';
import { systemClock } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { AuthError, RuntimeError } from '../../base/errors.ts';
import { principalOf } from './claims.ts';
import type { ClaimRules } from './claims.ts';
import { KeySet } from './key-set.ts';
import type { KeySetOptions } from './key-set.ts';
import { DEFAULT_PLANS, planBook } from './plans.ts';
import type { Plans } from './plans.ts';
import type { Authenticator, Principal } from './principal.ts';
import { SharedSecrets } from './shared-secrets.ts';
import type { SharedSecret } from './shared-secrets.ts';
import { claimsOf, headerOf } from './token-verification.ts';

/** Options of {@link createAuthenticator}: at least one of `secrets` and `jwks`. */
export interface AuthenticatorOptions {
  /** For HS256 tokens. Several while one takes the other's place. */
  readonly secrets?: readonly SharedSecret[];
  /** For EdDSA (Ed25519) tokens. */
  readonly jwks?: KeySetOptions;
  /** The `iss` of tokens. Default `skytale-api`. */
  readonly issuer?: string;
  /** The `aud` of tokens. Default: none, and then tokens that are meant for a certain audience are refused (RFC 7519 §4.1.3). */
  readonly audience?: string;
  /** By how much the clock of who makes tokens may differ from the relay's, in ms. Default 30,000. */
  readonly leewayMs?: number;
  /** Longer tokens are refused unread, in bytes. Default 8,192. */
  readonly maxTokenBytes?: number;
  /** Default: `free` with 100,000 messages a month, `pro` with 1,000,000, `enterprise` without a limit. */
  readonly plans?: Plans;
  /** Name of the plan that counts for tokens of a plan that is not in `plans`, or without one. Default: they are refused. */
  readonly unknownPlan?: string;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

type Keys = (kid: string | undefined) => Promise<readonly CryptoKey[]>;

/**
 * Tells accounts by JSON Web Tokens (RFC 7519). Claims: `sub` account, `iss`, `exp`, `plan`; optional `iat`, `nbf`, `aud`,
 * `key_id`, and `scope`, words out of `create read write commit` with spaces between them (absent: all four).
 *
 * Which kind of key a token is verified with follows from the relay's configuration and its `alg` together: HS256 only
 * ever with a shared secret, EdDSA only ever with a key of the set, anything else not at all.
 *
 * @throws {@link RuntimeError} `invalid_argument`
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { secrets = [], jwks, issuer = 'skytale-api', audience, clock = systemClock } = options;
  const leewayMs = checkInteger('leewayMs', options.leewayMs ?? 30_000, 0);
  const maxTokenBytes = checkInteger('maxTokenBytes', options.maxTokenBytes ?? 8192, 1);
  const rules: ClaimRules = { plans: planBook(options.plans ?? DEFAULT_PLANS, options.unknownPlan), leewayMs };
  const keys = keysByAlgorithm(secrets, jwks, clock);
  const verifyOptions: JWTVerifyOptions = {
    algorithms: [...keys.keys()],
    issuer,
    clockTolerance: leewayMs / 1000,
    requiredClaims: ['sub', 'exp'],
    ...(audience === undefined ? {} : { audience }),
  };

  const authenticate = async (token: string | undefined): Promise<Principal> => {
    if (token === undefined || token === '') throw new AuthError('auth_failed', 'this relay asks for a token');
    if (token.length > maxTokenBytes) {
      throw new AuthError('auth_failed', `the token has more than ${maxTokenBytes} bytes`);
    }
    const { alg, kid } = headerOf(token);
    const candidates = await keys.get(alg)?.(kid);
    if (candidates === undefined) throw new AuthError('auth_failed', 'the token has an algorithm that is not allowed');
    const nowMs = clock.now();
    const claims = await claimsOf(token, candidates, { ...verifyOptions, currentDate: new Date(nowMs) });
    if (audience === undefined && claims.aud !== undefined) {
      throw new AuthError('auth_failed', 'the token is meant for an audience, and this relay is told of none');
    }
    return principalOf(claims, rules, nowMs);
  };
  return { authenticate };
}

function keysByAlgorithm(
  secrets: readonly SharedSecret[],
  jwks: KeySetOptions | undefined,
  clock: Clock,
): ReadonlyMap<string, Keys> {
  const keys = new Map<string, Keys>();
  if (secrets.length > 0) {
    const shared = new SharedSecrets(secrets);
    keys.set('HS256', (kid) => shared.candidates(kid));
  }
  if (jwks !== undefined) {
    const published = new KeySet(jwks, clock);
    // RFC 8037 §3.1 and its successor, RFC 9864 §2.2: two names for one algorithm.
    for (const alg of ['EdDSA', 'Ed25519']) keys.set(alg, (kid) => published.candidates(kid));
  }
  if (keys.size === 0) throw new RuntimeError('invalid_argument', 'Expected `secrets`, `jwks`, or both.');
  return keys;
}
