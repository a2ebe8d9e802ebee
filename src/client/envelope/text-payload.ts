import { PayloadError } from '../../actors/channel/index.ts';

/**
 * Text as a payload: UTF-8.
 *
 * @throws {@link PayloadError} `invalid_payload` for half a surrogate pair, which UTF-8 cannot tell
 */
export function encodeText(text: string): Uint8Array {
  // Each whole pair is one code point, so what is left of this range stands alone.
  if (/\p{Surrogate}/u.test(text))
    throw new PayloadError('the text holds half a surrogate pair, which UTF-8 cannot tell');
  return new TextEncoder().encode(text);
}

/** A payload as text. What is no UTF-8 shows as U+FFFD, so that nothing is missing and everybody sees that it was no text. */
export function decodeText(payload: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(payload);
}
