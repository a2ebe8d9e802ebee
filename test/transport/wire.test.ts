import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransportError } from '../../src/base/errors.ts';
import {
  answerFromWire,
  answerToWire,
  decodeClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  encodeServerFrame,
  refusalError,
  refusalFromWire,
  refusalToWire,
  safeNumber,
  startFromWire,
  submissionFromWire,
  submissionToWire,
  entryFromWire,
  entryToWire,
} from '../../src/transport/index.ts';
import type {
  ClientFrameShape,
  LogEntry,
  PublishAnswer,
  RefusalReason,
  ServerFrameShape,
  Submission,
} from '../../src/transport/index.ts';
import { GROUP, commit, id, message } from './support/submissions.ts';

type ClientFrame<Case> = Extract<ClientFrameShape, { case: Case }>['value'];
type ServerFrame<Case> = Extract<ServerFrameShape, { case: Case }>['value'];

function throughPublish(submission: Submission): ClientFrame<'publish'>['submissions'][number] {
  const bytes = encodeClientFrame({
    case: 'publish',
    value: { request: 1, channel: 'a/b/c', group: GROUP, submissions: [submissionToWire(submission)] },
  });
  return (decodeClientFrame(bytes).value as ClientFrame<'publish'>).submissions[0]!;
}

function throughDeliver(entry: LogEntry): ServerFrame<'deliver'>['entries'][number] {
  const bytes = encodeServerFrame({ case: 'deliver', value: { subscription: 1, entries: [entryToWire(entry)] } });
  return (decodeServerFrame(bytes).value as ServerFrame<'deliver'>).entries[0]!;
}

function throughPublished(answer: PublishAnswer): ServerFrame<'published'>['answers'][number] {
  const bytes = encodeServerFrame({ case: 'published', value: { request: 1, answers: [answerToWire(answer)] } });
  return (decodeServerFrame(bytes).value as ServerFrame<'published'>).answers[0]!;
}

const ENTRY: LogEntry = {
  seq: 2 ** 40,
  prevSeq: 2 ** 40 - 3,
  kind: 'commit',
  epoch: 2n ** 63n,
  messageId: id('a'),
  payload: new Uint8Array([1, 2, 3]),
  storedAtMs: 1_800_000_000_000,
};

describe('wire', () => {
  it('carries an entry, a submission and an answer unchanged', () => {
    expect(entryFromWire(throughDeliver(ENTRY))).toEqual(ENTRY);
    const add = commit('add', 7n, [{ keyPackageRefs: [id('ref')], payload: id('welcome') }]);
    expect(submissionFromWire(throughPublish(add))).toEqual({ ...add, payload: new Uint8Array(add.payload) });
    for (const answer of [
      { kind: 'accepted', seq: 9, duplicate: true },
      { kind: 'refused', reason: 'stale-epoch', detail: 'old', currentEpoch: 12n },
    ] as const) {
      expect(answerFromWire(throughPublished(answer))).toEqual(answer);
    }
  });

  it('gives bytes that are no Buffers, whose slices would share memory', () => {
    expect(Object.getPrototypeOf(entryFromWire(throughDeliver(ENTRY)).payload)).toBe(Uint8Array.prototype);
  });

  it('gives every reason a number of its own, and a code', () => {
    const reasons: readonly RefusalReason[] = [
      'epoch-decided',
      'epoch-unknown',
      'stale-epoch',
      'foreign-group',
      'too-large',
      'malformed',
      'limit',
      'unavailable',
      'invalid-channel',
      'unauthorized',
      'protocol-error',
      'unsupported-version',
    ];
    expect(reasons.map(refusalToWire).map(refusalFromWire)).toEqual(reasons);
    expect(reasons.map((reason) => refusalError(reason, 'detail').code)).toEqual([
      'commit_conflict',
      'epoch_mismatch',
      'epoch_mismatch',
      'channel_exists',
      'message_too_large',
      'protocol_error',
      'limit_exceeded',
      'transport_error',
      'bad_request',
      'unauthorized',
      'protocol_error',
      'unsupported_version',
    ]);
  });

  it('reads a reason that only a newer relay knows as a protocol error', () => {
    expect(refusalFromWire(99 as never)).toBe('protocol-error');
  });

  it.each([
    ['a message id of 15 bytes', { messageId: new Uint8Array(15) }],
    ['an unknown kind', { kind: 9 }],
    ['a Welcome without a commit', { kind: 1, welcomes: [{}] }],
  ])('refuses a submission with %s', (_, change) => {
    const submission = { ...throughPublish(message('a')), ...change };
    expect(() => submissionFromWire(submission as never)).toThrow(TransportError);
  });

  it.each([
    ['a predecessor that does not come before it', { prevSeq: BigInt(ENTRY.seq) }],
    ['a number above 2^53', { seq: 2n ** 53n }],
    ['a message id of 15 bytes', { messageId: new Uint8Array(15) }],
  ])('refuses an entry with %s', (_, change) => {
    expect(() => entryFromWire({ ...throughDeliver(ENTRY), ...change })).toThrow(TransportError);
  });

  it('refuses an answer that neither accepts nor refuses', () => {
    expect(() => answerFromWire({ result: { case: undefined } } as never)).toThrow(TransportError);
  });

  it('starts at the beginning if the start is left out', () => {
    expect(startFromWire({ case: undefined })).toEqual({ afterSeq: 0 });
  });

  it('gives numbers up to 2^53 - 1', () => {
    expect(safeNumber('seq', 2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => safeNumber('seq', 2n ** 53n)).toThrow('seq is above 2^53 - 1');
  });

  it('throws a typed error for bytes that are no protobuf, and nothing else for any bytes', () => {
    const whole = encodeServerFrame({ case: 'deliver', value: { subscription: 1, entries: [entryToWire(ENTRY)] } });
    expect(() => decodeServerFrame(whole.subarray(0, -1))).toThrow(TransportError);
    expect(() => decodeClientFrame(Buffer.from('GET / HTTP/1.1'))).toThrow(TransportError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const decode of [decodeClientFrame, decodeServerFrame]) {
          try {
            decode(bytes);
          } catch (error) {
            expect(error).toMatchObject({ code: 'protocol_error' });
          }
        }
      }),
    );
  });

  it('passes over a kind of frame, and fields, that only a newer peer knows', () => {
    const unknownFrame = Buffer.from([0xa2, 0x06, 0x00]); // field 100, length 0
    expect(decodeServerFrame(unknownFrame).case).toBeUndefined();
    const pong = encodeServerFrame({ case: 'pong', value: { nonce: 5n } });
    expect(decodeServerFrame(Buffer.concat([pong, unknownFrame]))).toMatchObject({
      case: 'pong',
      value: { nonce: 5n },
    });
  });
});
