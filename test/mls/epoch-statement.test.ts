import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  agreesWith,
  commitChange,
  createAgentKeys,
  createGroup,
  createKeyPackage,
  createMlsEngine,
  type Group,
  makeEpochStatement,
  type MlsEngine,
  newGroupId,
  readEpochStatement,
  readRejoinRequest,
} from '../../src/mls/index.ts';
import { CHANNEL, NOW, utf8 } from './agents.ts';

/** alice, who has added bob in two ways: two states of epoch 1 that are not the same. */
async function splitGroup() {
  const engine = await createMlsEngine();
  const [alice, bob, mallory] = [
    await createAgentKeys(engine, utf8('alice')),
    await createAgentKeys(engine, utf8('bob')),
    await createAgentKeys(engine, utf8('alice')),
  ];
  const groupId = newGroupId(CHANNEL, new Uint8Array(16));
  const founded = await createGroup(engine, { groupId, keys: alice, nowMs: NOW });
  const { keyPackage } = await createKeyPackage(engine, bob, NOW);
  const [one, other] = [
    (await commitChange(engine, founded, { add: [keyPackage] }, 'private', NOW)).next,
    (await commitChange(engine, founded, { add: [keyPackage] }, 'public', NOW)).next,
  ];
  return { engine, alice, mallory, one, other };
}

async function verdict(engine: MlsEngine, group: Group, bytes: Uint8Array, epoch = 1n): Promise<string> {
  const statement = await readEpochStatement(engine, group, bytes, epoch);
  if (statement === undefined) return 'none';
  expect(statement.member).toMatchObject({ identity: utf8('alice'), leaf: 0 });
  return (await agreesWith(engine, group, statement)) ? 'agrees' : 'disagrees';
}

test('tells members of one state of an epoch from those of another', async () => {
  const { engine, alice, one, other } = await splitGroup();
  const [ofOne, ofOther] = [
    await makeEpochStatement(engine, alice, one),
    await makeEpochStatement(engine, alice, other),
  ];
  expect(await verdict(engine, one, ofOne)).toBe('agrees');
  expect(await verdict(engine, one, ofOther)).toBe('disagrees');
  expect(await verdict(engine, other, ofOne)).toBe('disagrees');
});

test('is none of somebody else, about another epoch, or of another kind', async () => {
  const { engine, alice, mallory, one } = await splitGroup();
  const statement = await makeEpochStatement(engine, alice, one);
  expect(await verdict(engine, one, await makeEpochStatement(engine, mallory, one))).toBe('none');
  expect(await verdict(engine, one, statement, 2n)).toBe('none');
  expect(await readRejoinRequest(engine, one, statement, NOW)).toBeUndefined();
});

test('is none if it is damaged, wherever the damage is', async () => {
  const { engine, alice, one } = await splitGroup();
  const statement = await makeEpochStatement(engine, alice, one);
  await fc.assert(
    fc.asyncProperty(fc.nat(statement.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
      const damaged = statement.map((byte, index) => (index === at ? byte ^ mask : byte));
      expect(await verdict(engine, one, damaged)).toBe('none');
    }),
  );
});
