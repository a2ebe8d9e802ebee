import fc from 'fast-check';
import { decodeGroupState, encodeGroupState } from 'ts-mls';
import type { GroupState } from 'ts-mls/clientState.js';
import type { Decoder } from 'ts-mls/codec/tlsDecoder.js';
import { beforeAll, expect, test } from 'vitest';
import { decodeWhole } from '../../src/mls/decode.ts';
import { stateOf } from '../../src/mls/group-state.ts';
import { groupStateDecoder } from '../../src/mls/group-state-decoder.ts';
import { Agent, commit, groupOf } from './agents.ts';

/** A state with the keys of past epochs in which members came, went and renewed their keys. */
let stored: Uint8Array;

beforeAll(async () => {
  const [alice, bob, carol, dave] = await groupOf('alice', 'bob', 'carol', 'dave');
  await commit(bob, [alice, carol, dave], { rotate: true });
  await commit(alice, [bob, dave], { leavers: [carol] });
  const erin = await Agent.named('erin', alice.engine);
  await commit(alice, [bob, dave], { joiners: [erin] });
  await commit(dave, [alice, bob, erin], { rotate: true });
  await alice.send('sent');
  stored = encodeGroupState(stateOf(alice.group));
});

const refused = Symbol('refused');

function decode(decoder: Decoder<GroupState>, bytes: Uint8Array): GroupState | typeof refused {
  try {
    return decodeWhole(decoder, bytes, () => new Error('refused'));
  } catch {
    return refused;
  }
}

test('a state is decoded as by the library', () => {
  const state = decode(groupStateDecoder(), stored);
  expect(state).not.toBe(refused);
  expect(state).toEqual(decode(decodeGroupState, stored));
});

test('trees of several epochs share the nodes that did not change', () => {
  const state = decode(groupStateDecoder(), stored);
  if (state === refused) throw new Error('the state was refused');
  const pasts = [...state.historicalReceiverData.values()];
  expect(pasts).toHaveLength(4);
  // Bob's leaf is that of the second of them ever since; carol's place was taken by another.
  for (const { ratchetTree } of pasts.slice(1)) expect(ratchetTree[2]).toBe(state.ratchetTree[2]);
  expect(pasts[1]?.ratchetTree[4]).not.toEqual(state.ratchetTree[4]);
});

test('damaged states are decoded or refused as by the library', () => {
  fc.assert(
    fc.property(fc.nat(stored.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, change, isCut) => {
      const damaged = isCut ? stored.slice(0, at) : stored.slice();
      if (!isCut) damaged[at] = (damaged[at] ?? 0) ^ change;
      expect(decode(groupStateDecoder(), damaged)).toEqual(decode(decodeGroupState, damaged));
    }),
    { numRuns: 400 },
  );
});
