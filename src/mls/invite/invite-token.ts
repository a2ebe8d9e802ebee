import { createHash, hkdfSync } from 'node:crypto';
import { equalBytes } from '../../base/bytes.ts';
import { ChannelError } from '../../base/errors.ts';
import { ed25519 } from '../crypto/ed25519.ts';
import { ascii } from '../crypto/bytes.ts';

/** What a token holds: the name of an invite, and a secret that only those know who were given the token. */
export interface InviteToken {
  /** 16 bytes, no secret. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/** What follows from a token's secret. */
export interface InviteKeys {
  /** 32 bytes, shown to the control plane when the token is used. Says nothing of the other keys. */
  readonly redeemKey: Uint8Array;
  /** SHA-256 of the redeem key: all that the control plane is told when the invite is made. */
  readonly verifier: Uint8Array;
  /** Ed25519 (RFC 8032), 32 bytes. With it a joiner proves that it holds the token. */
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

const PREFIX = 'skt_inv_';
const VERSION = 1;
const ID_BYTES = 16;
const SECRET_BYTES = 32;
const CHECKSUM_BYTES = 4;
const TOKEN_BYTES = 1 + ID_BYTES + SECRET_BYTES + CHECKSUM_BYTES;
const KEY_BYTES = 32;

/**
 * A token as text: `skt_inv_` and, in base64url, a version, the id, the secret, and a checksum that finds typing errors.
 * Whoever reads it can ask to join.
 */
export function formatInviteToken({ id, secret }: InviteToken): string {
  const bytes = new Uint8Array(TOKEN_BYTES);
  bytes[0] = VERSION;
  bytes.set(id, 1);
  bytes.set(secret, 1 + ID_BYTES);
  bytes.set(checksumOf(bytes), TOKEN_BYTES - CHECKSUM_BYTES);
  return `${PREFIX}${Buffer.from(bytes).toString('base64url')}`;
}

/**
 * The inverse of {@link formatInviteToken}. Takes no other spelling of the same bytes.
 *
 * @throws {@link ChannelError} `invite_invalid`, which repeats nothing of the token
 */
export function parseInviteToken(token: string): InviteToken {
  if (typeof token !== 'string' || !token.startsWith(PREFIX)) throw invalid(`it does not begin with ${PREFIX}`);
  const bytes = new Uint8Array(Buffer.from(token.slice(PREFIX.length), 'base64url'));
  const version = bytes[0];
  if (version !== undefined && version > VERSION && bytes.length >= TOKEN_BYTES) {
    throw invalid('a newer version of this package has made it');
  }
  if (bytes.length !== TOKEN_BYTES || version !== VERSION) throw invalid('it is cut short, or too long');
  const checksum = bytes.subarray(TOKEN_BYTES - CHECKSUM_BYTES);
  const parsed = { id: bytes.slice(1, 1 + ID_BYTES), secret: bytes.slice(1 + ID_BYTES, 1 + ID_BYTES + SECRET_BYTES) };
  if (!equalBytes(checksum, checksumOf(bytes)) || formatInviteToken(parsed) !== token) {
    throw invalid('it is damaged: copy all of it');
  }
  return parsed;
}

/** An invite's id as the control plane knows it: 22 characters. */
export function inviteIdText(id: Uint8Array): string {
  return Buffer.from(id).toString('base64url');
}

/** The keys of a token, by HKDF-SHA-256 (RFC 5869) under a label each. */
export function deriveInviteKeys({ id, secret }: InviteToken): InviteKeys {
  const expand = (label: string): Uint8Array => new Uint8Array(hkdfSync('sha256', secret, id, ascii(label), KEY_BYTES));
  const redeemKey = expand('skytale invite 1 redeem');
  const privateKey = expand('skytale invite 1 signature');
  return {
    redeemKey,
    verifier: new Uint8Array(createHash('sha256').update(redeemKey).digest()),
    publicKey: ed25519.publicKeyOf(privateKey),
    privateKey,
  };
}

function checksumOf(token: Uint8Array): Uint8Array {
  const content = token.subarray(0, TOKEN_BYTES - CHECKSUM_BYTES);
  return new Uint8Array(createHash('sha256').update(content).digest().subarray(0, CHECKSUM_BYTES));
}

function invalid(reason: string): ChannelError {
  return new ChannelError('invite_invalid', `this is no invite token: ${reason}`);
}
