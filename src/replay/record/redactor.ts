import { createHash, createHmac, randomBytes } from 'node:crypto';

/** Whose payload it is. */
export interface RedactorContext {
  /** What has it: an event that was shown, or a send of the user. */
  readonly what: 'emitted' | 'send';
  /** Place in the channel's log, where it is known. */
  readonly seq: number | undefined;
}

/** What stands on a `plaintext` tape in place of a payload. */
export type Redactor = (payload: Uint8Array, context: RedactorContext) => Uint8Array;

/**
 * The redactor that is used unless another is given: an HMAC-SHA-256 under a key that is forgotten with the recording. Equal
 * payloads stay equal on one tape; nobody can tell what they were, not by guessing either.
 */
export function hashPayloads(): Redactor {
  const key = randomBytes(32);
  return (payload) => new Uint8Array(createHmac('sha256', key).update(payload).digest());
}

/** Payloads as they are. For data that is no secret, such as that of tests. */
export const keepPayloads: Redactor = (payload) => payload;

/** 16 bytes that tell whether two payloads are the same one, for what is encrypted anyway. */
export function payloadDigest(payload: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(payload).digest().subarray(0, 16));
}
