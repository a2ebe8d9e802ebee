import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  commitChange,
  createAgentKeys,
  createGroup,
  createKeyPackage,
  createMlsEngine,
  encodeGroup,
  makeRejoinRequest,
  newGroupId,
  readRejoinRequest,
} from '../../src/mls/index.ts';
import { parseChannelName } from '../../src/index.ts';

const NOW = Date.UTC(2040, 0, 1);
const name = parseChannelName('acme/research/summarizer');
const identity = (text: string): Uint8Array => new TextEncoder().encode(text);

/** alice has added bob; epoch 1. */
async function aliceAndBob() {
  const engine = await createMlsEngine();
  const [alice, bob, mallory] = [
    await createAgentKeys(engine, identity('alice')),
    await createAgentKeys(engine, identity('bob')),
    await createAgentKeys(engine, identity('bob')),
  ];
  const founded = await createGroup(engine, { groupId: newGroupId(name, new Uint8Array(16)), keys: alice, nowMs: NOW });
  const { keyPackage } = await createKeyPackage(engine, bob, NOW);
  const { next: group } = await commitChange(engine, founded, { add: [keyPackage] }, 'private', NOW);
  return { engine, group, bob, mallory };
}

test('is read in its epoch, and in no other', async () => {
  const { engine, group, bob } = await aliceAndBob();
  const bundle = await createKeyPackage(engine, bob, NOW);
  for (const epoch of [0n, 1n, 2n]) {
    const request = await makeRejoinRequest(engine, bob, bundle, { groupId: group.groupId, epoch });
    const read = await readRejoinRequest(engine, group, request, NOW);
    expect(read === undefined).toBe(epoch !== 1n);
  }
});

test('names the member and its leaf, and is told from one that is granted', async () => {
  const { engine, group, bob } = await aliceAndBob();
  const bundle = await createKeyPackage(engine, bob, NOW);
  const request = await makeRejoinRequest(engine, bob, bundle, group);

  expect(await readRejoinRequest(engine, group, request, NOW)).toMatchObject({
    member: { leaf: 1, identity: identity('bob') },
    keyPackage: bundle.keyPackage,
  });
  const { next } = await commitChange(engine, group, { replace: [bundle.keyPackage] }, 'private', NOW);
  const again = await makeRejoinRequest(engine, bob, bundle, next);
  expect(await readRejoinRequest(engine, next, again, NOW)).toBe('granted');
  expect(await readRejoinRequest(engine, next, request, NOW)).toBeUndefined();
  expect(await readRejoinRequest(engine, next, request, NOW, group.epoch)).toBe('outdated');
  // What the log says does not make it one of another epoch.
  expect(await readRejoinRequest(engine, group, request, NOW, next.epoch)).toBeUndefined();
});

test('is none if somebody else made it: under the same name, for another group, or about a key package of another', async () => {
  const { engine, group, bob, mallory } = await aliceAndBob();
  const own = await createKeyPackage(engine, bob, NOW);
  const foreign = await createKeyPackage(engine, mallory, NOW);
  const otherGroup = { groupId: newGroupId(name, new Uint8Array(16).fill(1)), epoch: 1n };
  const attempts = [
    await makeRejoinRequest(engine, mallory, foreign, group),
    await makeRejoinRequest(engine, mallory, own, group),
    await makeRejoinRequest(engine, bob, foreign, group),
    await makeRejoinRequest(engine, bob, own, otherGroup),
  ];

  for (const attempt of attempts) expect(await readRejoinRequest(engine, group, attempt, NOW)).toBeUndefined();
});

test('is none if it is damaged, wherever the damage is, and leaves the group as it was', async () => {
  const { engine, group, bob } = await aliceAndBob();
  const request = await makeRejoinRequest(engine, bob, await createKeyPackage(engine, bob, NOW), group);
  const before = encodeGroup(group);

  await fc.assert(
    fc.asyncProperty(fc.nat(request.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const damaged = request.map((byte, index) => (index === at ? byte ^ flip : byte));
      expect(await readRejoinRequest(engine, group, damaged, NOW)).toBeUndefined();
    }),
    { numRuns: 300 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
      expect(await readRejoinRequest(engine, group, bytes, NOW)).toBeUndefined();
    }),
    { numRuns: 300 },
  );
  expect(encodeGroup(group)).toEqual(before);
});
