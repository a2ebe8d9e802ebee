import { toHex } from '../base/bytes.ts';

/** Bytes of an identity that stand for themselves in a path. */
const PLAIN = /[A-Za-z0-9._@-]/;

/** An identity as text: its own where it is UTF-8, else `0x` and hexadecimal digits. */
export function identityText(identity: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(identity);
  } catch {
    // Not text. An identity is any bytes.
    return `0x${toHex(identity)}`;
  }
}

/** The path of an agent: different for different identities, whatever bytes they are. */
export function agentPath(identity: Uint8Array): string {
  const segment = [...identity].map((byte) => {
    const character = String.fromCharCode(byte);
    return PLAIN.test(character) ? character : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
  });
  return `/agents/${segment.join('')}`;
}

/** The root of the n-th system's actors, counted from 0. */
export function systemRoot(index: number): string {
  return index === 0 ? '/actors' : `/actors-${index + 1}`;
}
