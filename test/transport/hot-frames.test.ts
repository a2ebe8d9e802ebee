import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ClientFrameSchema,
  PublishSchema,
  PublishedSchema,
  ServerFrameSchema,
} from '../../src/transport/gen/skytale/relay/v1/relay_pb.ts';
import type { EntryKind } from '../../src/transport/gen/skytale/relay/v1/relay_pb.ts';
import { readPublish, writePublished } from '../../src/transport/wire/hot-frames.ts';

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const number64 = fc.oneof(fc.bigInt(0n, 200n), fc.bigInt(0n, 2n ** 49n - 1n));
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

const publishes = fc.record({
  request: uint32,
  channel: fc.string({ unit: 'binary-ascii', maxLength: 200 }),
  group: bytes(20),
  submissions: fc.array(
    fc.record({
      kind: fc.constantFrom<EntryKind>(0, 1, 2, 77 as EntryKind),
      epoch: number64,
      messageId: bytes(20),
      payload: bytes(300),
    }),
    { maxLength: 10 },
  ),
  round: uint32,
});

const publisheds: fc.Arbitrary<MessageInitShape<typeof PublishedSchema>> = fc
  .record({
    request: uint32,
    seqs: fc.array(fc.tuple(fc.bigInt(0n, 2n ** 53n - 1n), fc.boolean()), { maxLength: 200 }),
    quota: fc.option(fc.record({ limit: number64, remaining: number64, resetsAtMs: number64 }), { nil: undefined }),
  })
  .map(({ request, seqs, quota }) => ({
    request,
    answers: seqs.map(([seq, duplicate]) => ({ result: { case: 'accepted' as const, value: { seq, duplicate } } })),
    ...(quota === undefined ? {} : { quota }),
  }));

function clientFrame(publish: MessageInitShape<typeof PublishSchema>): Uint8Array {
  return toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame: { case: 'publish', value: publish } }));
}

describe('a Publish that is read by hand', () => {
  test('is what the generated codec reads', () => {
    fc.assert(
      fc.property(publishes, (publish) => {
        const encoded = clientFrame(publish);
        const expected = fromBinary(ClientFrameSchema, encoded).frame.value;
        expect(readPublish(encoded)).toEqual(expected);
        expect(clientFrame(readPublish(encoded) ?? {})).toEqual(encoded);
      }),
    );
  });

  test('is left to the generated codec when bytes are broken, cut, or unusual, and never read differently', () => {
    let handled = 0;
    let left = 0;
    fc.assert(
      fc.property(publishes, fc.nat(), fc.nat(255), fc.nat(), (publish, position, byte, length) => {
        const encoded = clientFrame(publish);
        encoded[position % encoded.length] = byte;
        const mangled = encoded.subarray(0, length % 4 === 0 ? length % encoded.length : encoded.length);
        const read = readPublish(mangled);
        if (read === undefined) left += 1;
        else {
          handled += 1;
          // Views share the frame's buffer, so only what they show is compared.
          expect(read).toEqual(fromBinary(ClientFrameSchema, mangled, { readUnknownFields: false }).frame.value);
        }
      }),
      { numRuns: 3000 },
    );
    expect(handled).toBeGreaterThan(100);
    expect(left).toBeGreaterThan(100);
  });

  test.each([
    ['another frame', toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame: { case: 'ping', value: {} } }))],
    ['a channel beyond ASCII', clientFrame({ channel: 'acme/ö/x' })],
    ['an epoch above 2^49', clientFrame({ submissions: [{ epoch: 2n ** 60n }] })],
    ['a Welcome', clientFrame({ submissions: [{ kind: 2, welcomes: [{ payload: new Uint8Array(3) }] }] })],
    ['nothing', new Uint8Array(0)],
  ])('is left to the generated codec: %s', (_, encoded) => {
    expect(readPublish(encoded)).toBeUndefined();
  });
});

describe('a Published that is written by hand', () => {
  test('has the bytes that the generated codec writes', () => {
    fc.assert(
      fc.property(publisheds, (published) => {
        const frame = create(ServerFrameSchema, { frame: { case: 'published', value: published } });
        expect(new Uint8Array(writePublished(published) ?? [])).toEqual(toBinary(ServerFrameSchema, frame));
      }),
    );
  });

  test('is left to the generated codec when an answer refuses', () => {
    const refused = { result: { case: 'refused' as const, value: { detail: 'no' } } };
    expect(writePublished({ request: 1, answers: [refused] })).toBeUndefined();
    expect(writePublished({ request: 1, answers: [{}] })).toBeUndefined();
  });
});
