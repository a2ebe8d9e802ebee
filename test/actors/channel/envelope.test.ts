import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { expect, it } from 'vitest';
import {
  decodeEnvelope,
  encodeEnvelope,
  encodeHeader,
  type EnvelopeHeader,
  isPlain,
} from '../../../src/actors/channel/envelope.ts';
import { Receipt } from '../../../src/actors/channel/gen/skytale/channel/v1/envelope_pb.ts';
import { readExchange } from '../../../src/actors/channel/read-exchange.ts';
import { bytes } from '../../support/swarm.ts';

const payload = bytes('hello');
const plainBytes = (view: Uint8Array): Uint8Array => new Uint8Array(view);
const call = { id: new Uint8Array(16).fill(7), attempt: 2 };
const arrival = { seq: 5, epoch: 3n, sender: bytes('bob'), phase: 'live', receivedAt: 9 } as const;

it('is the payload with two bytes around it for a plain message, as it has always been', () => {
  expect(Buffer.from(encodeEnvelope(payload)).toString('hex')).toBe('0a0568656c6c6f');
  expect(decodeEnvelope(Buffer.from('0a0568656c6c6f', 'hex'))).toMatchObject({
    payload: Buffer.from(payload),
    receipt: Receipt.UNSPECIFIED,
    kind: { case: undefined },
  });
});

it('keeps a header apart from its payload until both are encrypted', () => {
  const header = encodeHeader({ kind: { case: 'request', value: { call, deadlineMs: 1_800_000_000_000n, to: [] } } });
  const envelope = decodeEnvelope(encodeEnvelope(payload, header));
  const request = readExchange(envelope, arrival, 7);
  expect('payload' in request && request.payload && plainBytes(request.payload)).toEqual(payload);
  expect(request).toMatchObject({
    kind: 'request',
    ...arrival,
    id: '07'.repeat(16),
    attempt: 2,
    deadlineMs: 1_800_000_000_000,
    to: [],
  });
  expect([isPlain(undefined), isPlain(encodeHeader({ receipt: Receipt.HANDLED })), isPlain(header)]).toEqual([
    true,
    true,
    false,
  ]);
});

it('of a kind to come is not taken for a message; a field to come of a message is skipped', () => {
  const withField = (no: number): Uint8Array =>
    encodeEnvelope(payload, new BinaryWriter().tag(no, WireType.LengthDelimited).bytes(payload).finish());
  expect(() => decodeEnvelope(withField(15))).toThrow(expect.objectContaining({ code: 'decryption_failure' }));
  expect(Buffer.from(decodeEnvelope(withField(16)).payload)).toEqual(Buffer.from(payload));
});

it('that lacks what its kind needs is refused', () => {
  const kinds: EnvelopeHeader['kind'][] = [
    { case: 'request', value: { deadlineMs: 1n } },
    { case: 'request', value: { call: { id: new Uint8Array(3) }, deadlineMs: 1n } },
    { case: 'request', value: { call, deadlineMs: 2n ** 63n } },
    { case: 'reply', value: { call } },
    { case: 'cancel', value: {} },
    { case: 'confirmation', value: { seqs: [1n] } },
  ];
  for (const kind of kinds) {
    const envelope = decodeEnvelope(encodeHeader({ ...(kind && { kind }) }));
    expect(() => readExchange(envelope, arrival, 7)).toThrow(expect.objectContaining({ code: 'decryption_failure' }));
  }
});
