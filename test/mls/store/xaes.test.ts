import { describe, expect, test } from 'vitest';
import { Xaes } from '../../../src/mls/store/xaes.ts';
import { bytesOf } from './fake-groups.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const NONE = new Uint8Array(0);

describe('XAES-256-GCM', () => {
  // The vectors of the specification (c2sp.org/XAES-256-GCM), one for each value of the top bit that makes the subkey.
  test.each([
    [1, '', 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'],
    [3, 'c2sp.org/XAES-256-GCM', '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'],
  ])('computes what its specification says, key %i', (byte, authenticated, expected) => {
    const cipher = new Xaes(new Uint8Array(32).fill(byte));
    const nonce = utf8('ABCDEFGHIJKLMNOPQRSTUVWX');
    const sealed = cipher.sealWithNonce(nonce, utf8('XAES-256-GCM'), utf8(authenticated));
    expect(Buffer.from(sealed.subarray(0, 24))).toEqual(Buffer.from(nonce));
    expect(Buffer.from(sealed.subarray(24)).toString('hex')).toBe(expected);
    expect(cipher.open(sealed, utf8(authenticated))).toEqual(utf8('XAES-256-GCM'));
  });

  test('opens what it sealed, of any length, and never seals alike', () => {
    const cipher = new Xaes(bytesOf(1, 32));
    for (const length of [0, 1, 15, 16, 17, 1000]) {
      const plaintext = bytesOf(length, length);
      const sealed = cipher.seal(plaintext, NONE);
      expect(cipher.open(sealed, NONE)).toEqual(plaintext);
      expect(cipher.seal(plaintext, NONE)).not.toEqual(sealed);
    }
  });

  test('opens nothing that was changed, cut, moved, or sealed under another key', () => {
    const cipher = new Xaes(bytesOf(1, 32));
    const sealed = cipher.seal(bytesOf(2, 40), utf8('here'));
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = sealed.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(cipher.open(flipped, utf8('here')), `bit ${bit}`).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length += 1) {
      expect(cipher.open(sealed.subarray(0, length), utf8('here')), `${length} bytes`).toBeUndefined();
    }
    expect(cipher.open(sealed, utf8('there'))).toBeUndefined();
    expect(new Xaes(bytesOf(3, 32)).open(sealed, utf8('here'))).toBeUndefined();
  });
});
