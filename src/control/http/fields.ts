import { Type } from 'typebox';
import type { TInteger, TObject, TString, TUnsafe } from 'typebox';
import { Refusal } from '../refusal.ts';

// Fields that several routes have. What is sent in addition to what is known is refused: nobody should believe that it was heard.

/** Text for people: no control characters, which databases and terminals stumble over. */
export function text(description: string, minLength: number, maxLength: number): TString {
  return Type.String({ description, minLength, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' });
}

/** An id that this server has given. */
export function uuid(description: string): TString {
  return Type.String({ description, pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' });
}

/** Binary data: base64 (RFC 4648 §4) with padding, of at most `maxBytes`. {@link bytesOf} reads it. */
export function base64(description: string, maxBytes: number): TString {
  return Type.String({
    description: `${description} base64, at most ${maxBytes} bytes.`,
    maxLength: 4 * Math.ceil(maxBytes / 3),
    pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
  });
}

/**
 * The bytes of a field that {@link base64} describes.
 *
 * @throws {@link Refusal} 400 if there are fewer or more
 */
export function bytesOf(name: string, value: string, minBytes: number, maxBytes: number): Uint8Array {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length >= minBytes && bytes.length <= maxBytes) return bytes;
  const range = minBytes === maxBytes ? `${minBytes}` : `${minBytes} to ${maxBytes}`;
  throw new Refusal(400, `${name} must be base64 of ${range} bytes`, 'bad_request');
}

/** Bytes as such a field. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Bytes of an agent's identity, at most. */
export const MAX_IDENTITY_BYTES = 256;

/** The bytes of an agent's identity. @throws {@link Refusal} 400 */
export function identityOf(value: string): Uint8Array {
  return bytesOf('identity', value, 1, MAX_IDENTITY_BYTES);
}

/** An agent's identity. */
export function identityField(): TString {
  return base64("The agent's identity.", MAX_IDENTITY_BYTES);
}

/** The name of a channel; `parseChannelName` checks it, so that a bad one gets the documented answer. */
export function channelField(): TString {
  return Type.String({
    description: 'org/namespace/service, each lower-case alphanumeric or hyphens.',
    maxLength: 1024,
  });
}

/** A moment. */
export function timestamp(description: string): TString {
  return Type.String({ description, format: 'date-time' });
}

/** How long to wait for a change. */
export function waitField(): TInteger {
  return Type.Integer({ description: 'How long to wait for a change.', minimum: 0, maximum: 25 });
}

/** One of a few words. */
export function oneOf<T extends string>(description: string, words: readonly T[]): TUnsafe<T> {
  return Type.Unsafe<T>({ type: 'string', description, enum: [...words] });
}

/** What all errors look like. */
export const ErrorSchema: TObject<{ error: TString; code: ReturnType<typeof Type.Optional<TString>> }> = Type.Object({
  error: Type.String({ description: 'For people.' }),
  code: Type.Optional(Type.String({ description: 'For programs; stable.' })),
});
