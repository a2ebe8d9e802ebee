import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** 32 bytes, as a configuration file has them. */
export const SECRET = 'correct-horse-battery-staple-32b';
export const OTHER_SECRET = 'another-secret-of-32-bytes-or-so';

/** Claims of a token that a relay with {@link SECRET} takes at `nowMs`; what is `undefined` is left out. */
export function claimsAt(nowMs: number, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const nowS = Math.floor(nowMs / 1000);
  return { sub: 'account-a', iss: 'skytale-api', plan: 'enterprise', iat: nowS, exp: nowS + 3600, ...changes };
}

/** A token signed with HMAC-SHA-256, made without the library that the relay verifies with. */
export function hs256(claims: object, secret: string = SECRET, header: object = {}): string {
  const signed = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** An Ed25519 key with a name. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** As it stands in a key set. */
  readonly jwk: Record<string, unknown>;
}

export function signingKey(kid: string): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'EdDSA' } };
}

/** A token signed with Ed25519. */
export function eddsa(claims: object, { kid, privateKey }: SigningKey, header: object = {}): string {
  const signed = `${encode({ alg: 'EdDSA', kid, ...header })}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
}

export function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
