import fc from 'fast-check';
import { encodeMlsMessage } from 'ts-mls';
import { composeBufferEncoders, encode } from 'ts-mls/codec/tlsEncoder.js';
import { varLenDataEncoder } from 'ts-mls/codec/variableLength.js';
import { expandWithLabel } from 'ts-mls/crypto/kdf.js';
import { encodeFramedContentTBS } from 'ts-mls/framedContent.js';
import type { GroupContext } from 'ts-mls/groupContext.js';
import { encodePrivateContentAAD, encodePrivateMessageContent } from 'ts-mls/privateMessage.js';
import { encodeSenderData as librarySenderData, encodeSenderDataAAD } from 'ts-mls/sender.js';
import type { ReuseGuard } from 'ts-mls/sender.js';
import { expect, test } from 'vitest';
import { equalBytes } from '../../src/base/bytes.ts';
import { nodeSuites } from '../../src/mls/crypto/node-suite.ts';
import { expandLabel } from '../../src/mls/expand-label.ts';
import {
  encodeApplicationContent,
  encodeApplicationMessage,
  encodeContentAad,
  encodeSenderData,
  encodeSenderDataAad,
  encodeSignedApplication,
} from '../../src/mls/private-message-encoding.ts';
import { TlsWriter, vectorBytes } from '../../src/mls/tls-writer.ts';

/** Lengths on both sides of where the length itself needs more bytes. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.constantFrom(63, 64, 16_383, 16_384, 70_000).map((length) => new Uint8Array(length).fill(length)),
);
const uint32 = fc.oneof(fc.constantFrom(0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat(1_000_000));
const epoch = fc.oneof(fc.constantFrom(0n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n));
const guard = fc.uint8Array({ minLength: 4, maxLength: 4 });
const contentType = 'application' as const;

const groupContext: fc.Arbitrary<GroupContext> = fc.record({
  version: fc.constant('mls10' as const),
  cipherSuite: fc.constantFrom(
    'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519' as const,
    'MLS_128_DHKEMP256_AES128GCM_SHA256_P256' as const,
  ),
  groupId: bytes,
  epoch,
  treeHash: bytes,
  confirmedTranscriptHash: bytes,
  extensions: fc.array(fc.record({ extensionType: fc.constantFrom(0xff00, 0xff01), extensionData: bytes }), {
    maxLength: 3,
  }),
});

function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(equalBytes(actual, expected)).toBe(true);
}

test("application messages are encoded as by the library's encoder", () => {
  fc.assert(
    fc.property(bytes, epoch, bytes, bytes, bytes, (groupId, epoch, data, sender, ciphertext) => {
      const privateMessage = {
        groupId,
        epoch,
        contentType,
        authenticatedData: data,
        encryptedSenderData: sender,
        ciphertext,
      };
      const expected = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage });
      expectSame(encodeApplicationMessage(privateMessage), expected);
    }),
  );
});

test("what is signed for an application message is encoded as by the library's encoders", () => {
  fc.assert(
    fc.property(groupContext, uint32, bytes, bytes, (context, leafIndex, authenticatedData, applicationData) => {
      const content = encodeFramedContentTBS({
        protocolVersion: context.version,
        wireformat: 'mls_private_message',
        content: {
          contentType,
          applicationData,
          groupId: context.groupId,
          epoch: context.epoch,
          sender: { senderType: 'member', leafIndex },
          authenticatedData,
        },
        senderType: 'member',
        context,
      });
      const label = new TextEncoder().encode('MLS 1.0 FramedContentTBS');
      const expected = encode(composeBufferEncoders([varLenDataEncoder, varLenDataEncoder]))([label, content]);
      // Twice: the second time, the encoded context is remembered.
      expectSame(encodeSignedApplication(context, leafIndex, authenticatedData, applicationData), expected);
      expectSame(encodeSignedApplication(context, leafIndex, authenticatedData, applicationData), expected);
    }),
  );
});

test("the additional data of content and sender is encoded as by the library's encoders", () => {
  fc.assert(
    fc.property(bytes, epoch, bytes, (groupId, epoch, authenticatedData) => {
      const header = { groupId, epoch, authenticatedData };
      expectSame(encodeContentAad(header), encodePrivateContentAAD({ ...header, contentType }));
      expectSame(encodeSenderDataAad(header), encodeSenderDataAAD({ groupId, epoch, contentType }));
    }),
  );
});

test("content and sender data are encoded as by the library's encoders", () => {
  fc.assert(
    fc.property(bytes, bytes, fc.nat(2_000), (applicationData, signature, padUntilLength) => {
      const encodeContent = encodePrivateMessageContent({ kind: 'padUntilLength', padUntilLength });
      const expected = encodeContent({ contentType, applicationData, auth: { contentType, signature } });
      expectSame(encodeApplicationContent(applicationData, signature, padUntilLength), expected);
    }),
  );
  fc.assert(
    fc.property(uint32, uint32, guard, (leafIndex, generation, reuseGuard) => {
      const expected = librarySenderData({ leafIndex, generation, reuseGuard: reuseGuard as ReuseGuard });
      expectSame(encodeSenderData(leafIndex, generation, reuseGuard), expected);
    }),
  );
});

test("message keys are derived as by the library's ExpandWithLabel", async () => {
  const { kdf } = nodeSuites.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
  const label = fc.constantFrom('key' as const, 'nonce' as const, 'secret' as const);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), label, bytes, fc.constantFrom(12, 16, 32), async (secret, name, data, length) => {
      expectSame(
        await expandLabel(kdf, secret, name, data, length),
        await expandWithLabel(secret, name, data, length, kdf),
      );
    }),
  );
});

test('a vector that is too long for its length is refused', () => {
  expect(vectorBytes(2 ** 30 - 1)).toBe(2 ** 30 + 3);
  expect(() => vectorBytes(2 ** 30)).toThrow(RangeError);
  expect(() => new TlsWriter(4).length(2 ** 30)).toThrow(RangeError);
});
