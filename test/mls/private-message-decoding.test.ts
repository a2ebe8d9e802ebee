import fc from 'fast-check';
import { decodeMlsMessage, encodeMlsMessage } from 'ts-mls';
import type { PrivateMessage } from 'ts-mls';
import { decodePrivateMessageContent } from 'ts-mls/privateMessage.js';
import { expect, test } from 'vitest';
import { equalBytes } from '../../src/base/bytes.ts';
import {
  decodeApplicationContent,
  decodeApplicationMessage,
  decodeSenderData,
} from '../../src/mls/private-message-decoding.ts';
import {
  encodeApplicationContent,
  encodeApplicationMessage,
  encodeSenderData,
} from '../../src/mls/private-message-encoding.ts';
import { TlsReader } from '../../src/mls/tls-reader.ts';

/** Lengths on both sides of where the length itself needs more bytes. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.constantFrom(63, 64, 16_383, 16_384, 70_000).map((length) => new Uint8Array(length).fill(length)),
);
const uint32 = fc.oneof(fc.constantFrom(0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat(1_000_000));
const epoch = fc.oneof(fc.constantFrom(0n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n));
const message = fc.record({
  groupId: bytes,
  epoch,
  authenticatedData: bytes,
  encryptedSenderData: bytes,
  ciphertext: bytes,
});
const short = fc.uint8Array({ maxLength: 70 });
const shortMessage = fc.record({
  groupId: short,
  epoch,
  authenticatedData: short,
  encryptedSenderData: short,
  ciphertext: short,
});

/** `toEqual` takes seconds for arrays of that length. */
function expectSame(actual: Uint8Array | undefined, expected: Uint8Array): void {
  expect(actual !== undefined && equalBytes(actual, expected)).toBe(true);
}

/** As the library reads them, `undefined` where it does not read them to their end. */
function byLibrary(input: Uint8Array): PrivateMessage | undefined {
  try {
    const [decoded, length] = decodeMlsMessage(input, 0) ?? [];
    return decoded?.wireformat === 'mls_private_message' && length === input.length
      ? decoded.privateMessage
      : undefined;
  } catch {
    return undefined;
  }
}

test('application messages are decoded to what was encoded', () => {
  fc.assert(
    fc.property(message, (encoded) => {
      const decoded = decodeApplicationMessage(encodeApplicationMessage(encoded));
      expect(decoded).toMatchObject({ epoch: encoded.epoch, contentType: 'application' });
      for (const field of ['groupId', 'authenticatedData', 'encryptedSenderData', 'ciphertext'] as const) {
        expectSame(decoded?.[field], encoded[field]);
      }
    }),
  );
});

test('damaged, cut and prolonged messages are decoded as by the library, or left to it', () => {
  let read = 0;
  fc.assert(
    fc.property(
      shortMessage,
      fc.nat(),
      fc.nat(255),
      fc.constantFrom('flip', 'cut', 'append'),
      (encoded, at, by, how) => {
        const whole = encodeApplicationMessage(encoded);
        const index = at % whole.length;
        const input =
          how === 'append' ? new Uint8Array([...whole, by]) : whole.slice(0, how === 'cut' ? index : undefined);
        if (how === 'flip') input[index] = (input[index] ?? 0) ^ by;
        const decoded = decodeApplicationMessage(input);
        if (decoded === undefined) return;
        read += 1;
        expect(decoded).toEqual(byLibrary(input));
      },
    ),
    { numRuns: 5_000 },
  );
  expect(read).toBeGreaterThan(500);
});

test('messages of other kinds are left to the library', () => {
  for (const contentType of ['proposal', 'commit'] as const) {
    const field = Uint8Array.of(1, 2, 3);
    const other = { groupId: field, epoch: 1n, contentType, authenticatedData: field, encryptedSenderData: field };
    const privateMessage = { ...other, ciphertext: field };
    const encoded = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage });
    expect(decodeApplicationMessage(encoded)).toBeUndefined();
  }
});

test('content is decoded as by the library, with padding of zeros and no other', () => {
  const decodeByLibrary = decodePrivateMessageContent('application');
  fc.assert(
    fc.property(bytes, short, fc.nat(2_000), fc.nat(), (plaintext, signature, padding, at) => {
      const encoded = encodeApplicationContent(plaintext, signature, padding);
      const decoded = decodeApplicationContent(encoded);
      expectSame(decoded?.plaintext, plaintext);
      expectSame(decoded?.signature, signature);

      const cut = encoded.subarray(0, at % encoded.length);
      const damaged = encoded.slice();
      damaged[damaged.length - 1] = 1;
      for (const input of [cut, damaged]) {
        const ours = decodeApplicationContent(input);
        const [theirs] = decodeAnyway(decodeByLibrary, input) ?? [];
        if (theirs?.contentType !== 'application') expect(ours).toBeUndefined();
        else if (ours !== undefined) {
          expectSame(ours.plaintext, theirs.applicationData);
          expectSame(ours.signature, theirs.auth.signature);
        }
      }
    }),
  );
});

function decodeAnyway<T>(decode: (input: Uint8Array, offset: number) => T, input: Uint8Array): T | undefined {
  try {
    return decode(input, 0);
  } catch {
    return undefined;
  }
}

test('sender data is decoded to what was encoded, and nothing else', () => {
  const guard = fc.uint8Array({ minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(uint32, uint32, guard, (leaf, generation, reuseGuard) => {
      const encoded = encodeSenderData(leaf, generation, reuseGuard);
      expect(decodeSenderData(encoded)).toEqual({ leaf, generation, reuseGuard });
      expect(decodeSenderData(encoded.subarray(1))).toBeUndefined();
      expect(decodeSenderData(new Uint8Array([...encoded, 0]))).toBeUndefined();
    }),
  );
});

test('a length that is not written in the shortest way, or has eight bytes, is none', () => {
  for (const input of [
    [0x40, 0x01, 7],
    [0x80, 0, 0, 1, 7],
    [0x80, 0, 0x3f, 0xff, 7],
    [0xc0, 0, 0, 0, 0, 0, 0, 1, 7],
  ]) {
    const reader = new TlsReader(Uint8Array.from(input));
    expect(reader.vector()).toHaveLength(0);
    expect([reader.hasOverrun, reader.isAtEnd]).toEqual([true, false]);
    expect(reader.rest()).toHaveLength(0);
  }
});
