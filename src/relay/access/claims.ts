import type { JWTPayload } from 'jose';
import { AuthError } from '../../base/errors.ts';
import type { PlanBook } from './plans.ts';
import type { AccountId, Principal, Scope } from './principal.ts';

/** All that a token may allow, and what it allows if it does not say. */
export const ALL_SCOPES: ReadonlySet<Scope> = new Set(['create', 'read', 'write', 'commit']);

/** The scope of tokens with which a relay is operated. They are no use to a client, and those of clients are none here. */
export const OPERATE = 'operate';

/** What a token is judged against beside its signature. */
export interface ClaimRules {
  readonly plans: PlanBook;
  readonly leewayMs: number;
}

const NAME = /^[\x21-\x7e]{1,128}$/;

/** Whether a text can be the name of an account. */
export function isAccount(text: string): text is AccountId {
  return NAME.test(text);
}

/** Whether a text can be the id of an API key. */
export function isKeyId(text: string): boolean {
  return NAME.test(text);
}

/**
 * Who the claims of a token speak of. Signature, issuer, audience, `exp` and `nbf` have been verified.
 *
 * @throws {@link AuthError} `auth_failed`
 */
export function principalOf(claims: JWTPayload, { plans, leewayMs }: ClaimRules, nowMs: number): Principal {
  const { exp, iat } = claims;
  const sub: unknown = claims.sub; // jose checks that it is there, not what it is
  if (typeof sub !== 'string' || !isAccount(sub)) {
    throw new AuthError('auth_failed', 'the token names no account (`sub`, 1 to 128 printable ASCII characters)');
  }
  const expiresAtMs = Math.floor((exp ?? NaN) * 1000);
  if (!Number.isSafeInteger(expiresAtMs)) throw new AuthError('auth_failed', 'the token has no end (`exp`)');
  if (iat !== undefined && iat * 1000 > nowMs + leewayMs) {
    throw new AuthError('auth_failed', 'the token was made in the future, by the clock of this relay');
  }
  const plan = plans.find(claims['plan']);
  if (plan === undefined) throw new AuthError('auth_failed', 'the token is of a plan that this relay does not know');
  const keyId: unknown = claims['key_id'];
  if (keyId !== undefined && (typeof keyId !== 'string' || !isKeyId(keyId))) {
    throw new AuthError('auth_failed', 'the `key_id` of the token is no text of 1 to 128 printable ASCII characters');
  }
  return {
    account: sub,
    plan: plan.name,
    scopes: scopesOf(claims['scope']),
    messagesPerMonth: plan.plan.messagesPerMonth,
    keyId,
    expiresAtMs,
    validForMs: expiresAtMs + leewayMs - nowMs,
  };
}

/** RFC 8693 §4.2: words with spaces between them. Words that mean nothing to a relay allow nothing at it. */
function scopesOf(claim: unknown): ReadonlySet<Scope> {
  if (claim === undefined) return ALL_SCOPES;
  if (typeof claim !== 'string') throw new AuthError('auth_failed', 'the `scope` of the token is no text');
  const words = new Set(claim.split(' '));
  if (words.has(OPERATE)) throw new AuthError('auth_failed', 'the token is for operating the relay, not for using it');
  return new Set([...ALL_SCOPES].filter((scope) => words.has(scope)));
}
