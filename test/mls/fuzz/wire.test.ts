import { expect, test } from 'vitest';
import {
  decodeClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  encodeServerFrame,
  entryFromWire,
  entryToWire,
  startFromWire,
  submissionFromWire,
  submissionToWire,
} from '../../../src/transport/index.ts';
import { answerFromWire, answerToWire } from '../../../src/transport/index.ts';
import { GROUP, id, message } from '../../transport/support/submissions.ts';
import { damaged, fuzz, outcomeOf, TIMEOUT_MS } from './mutations.ts';

const channel = 'acme/research/summarizer';
const submission = submissionToWire(message('a'));
const entry = entryToWire({
  seq: 2,
  prevSeq: 1,
  kind: 'commit',
  epoch: 3n,
  messageId: id('a'),
  payload: new Uint8Array(40),
  storedAtMs: 1_800_000_000_000,
});
const clientFrames = [
  encodeClientFrame({ case: 'ping', value: { nonce: 1n } }),
  encodeClientFrame({
    case: 'publish',
    value: { request: 1, channel, group: GROUP, submissions: [submission, submission] },
  }),
  encodeClientFrame({
    case: 'subscribe',
    value: { subscription: 1, channel, group: GROUP, start: { case: 'afterSeq', value: 7n } },
  }),
];
const serverFrames = [
  encodeServerFrame({ case: 'pong', value: { nonce: 1n } }),
  encodeServerFrame({ case: 'deliver', value: { subscription: 1, entries: [entry, entry] } }),
  encodeServerFrame({
    case: 'published',
    value: { request: 1, answers: [answerToWire({ kind: 'accepted', seq: 5, duplicate: false })] },
  }),
];

test('frames of a client are read whole, or the peer is told that it broke the protocol', { timeout: TIMEOUT_MS }, () =>
  fuzz(10_000, damaged(...clientFrames), async (input) => {
    const { code } = await outcomeOf(() => {
      const frame = decodeClientFrame(input);
      if (frame.case === 'publish') frame.value.submissions.forEach(submissionFromWire);
      if (frame.case === 'subscribe') startFromWire(frame.value.start);
    });
    expect([undefined, 'protocol_error']).toContain(code);
  }),
);

test('frames of a relay are read whole, or the relay broke the protocol', { timeout: TIMEOUT_MS }, () =>
  fuzz(10_000, damaged(...serverFrames), async (input) => {
    const { code } = await outcomeOf(() => {
      const frame = decodeServerFrame(input);
      if (frame.case === 'deliver') frame.value.entries.forEach(entryFromWire);
      if (frame.case === 'published') frame.value.answers.forEach(answerFromWire);
    });
    expect([undefined, 'protocol_error']).toContain(code);
  }),
);
