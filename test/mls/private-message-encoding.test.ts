import fc from 'fast-check';
import { encodeMlsMessage } from 'ts-mls';
import { expect, test } from 'vitest';
import { equalBytes } from '../../src/base/bytes.ts';
import { encodeApplicationMessage } from '../../src/mls/private-message-encoding.ts';

/** Lengths on both sides of where the length itself needs more bytes. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.constantFrom(63, 64, 16_383, 16_384, 70_000).map((length) => new Uint8Array(length).fill(length)),
);

test("application messages are encoded as by the library's encoder", () => {
  fc.assert(
    fc.property(
      bytes,
      fc.bigInt(0n, 2n ** 64n - 1n),
      bytes,
      bytes,
      bytes,
      (groupId, epoch, data, sender, ciphertext) => {
        const privateMessage = {
          groupId,
          epoch,
          contentType: 'application' as const,
          authenticatedData: data,
          encryptedSenderData: sender,
          ciphertext,
        };
        const expected = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage });
        expect(equalBytes(encodeApplicationMessage(privateMessage), expected)).toBe(true);
      },
    ),
  );
});
