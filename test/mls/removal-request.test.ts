import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  commitChange,
  createAgentKeys,
  createGroup,
  createKeyPackage,
  createMlsEngine,
  judgeRemoval,
  makeRemovalRequest,
  newGroupId,
} from '../../src/mls/index.ts';
import { parseChannelName } from '../../src/index.ts';

const NOW = Date.UTC(2040, 0, 1);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** alice has added bob; alice asks for his removal. */
async function aliceAndBob() {
  const engine = await createMlsEngine();
  const [alice, bob, stranger] = [
    await createAgentKeys(engine, bytes('alice')),
    await createAgentKeys(engine, bytes('bob')),
    await createAgentKeys(engine, bytes('alice')),
  ];
  const groupId = newGroupId(parseChannelName('acme/research/summarizer'), new Uint8Array(16));
  const founded = await createGroup(engine, { groupId, keys: alice, nowMs: NOW });
  const { keyPackage } = await createKeyPackage(engine, bob, NOW);
  const { next: group } = await commitChange(engine, founded, { add: [keyPackage] }, 'private', NOW);
  const terms = {
    identity: bytes('bob'),
    signatureKeys: [bob.signaturePublicKey],
    reason: 'policy_violation',
    madeAtMs: NOW,
  };
  const signature = await makeRemovalRequest(engine, alice, terms);
  const presented = { identity: bytes('bob'), requestedBy: bytes('alice'), signature };
  return { engine, founded, group, alice, stranger, terms, presented };
}

it('is followed where a member has signed it, about a member', async () => {
  const { engine, founded, group, presented } = await aliceAndBob();
  expect(await judgeRemoval(engine, group, presented)).toMatchObject({
    kind: 'remove',
    member: { leaf: 1, identity: bytes('bob') },
    reason: 'policy_violation',
  });
  expect(await judgeRemoval(engine, founded, presented)).toEqual({ kind: 'gone' });
});

it('is void from a stranger, under a borrowed name, for another agent, and about other keys', async () => {
  const { engine, group, alice, stranger, terms, presented } = await aliceAndBob();
  const judge = async (changed: Partial<typeof presented>): Promise<string> =>
    (await judgeRemoval(engine, group, { ...presented, ...changed })).kind;
  expect(await judge({ requestedBy: bytes('carol') })).toBe('void');
  expect(await judge({ signature: await makeRemovalRequest(engine, stranger, terms) })).toBe('void');
  expect(await judge({ identity: bytes('alice') })).toBe('void');
  const otherKeys = { ...terms, signatureKeys: [stranger.signaturePublicKey] };
  expect(await judge({ signature: await makeRemovalRequest(engine, alice, otherKeys) })).toBe('void');
  expect(await judge({ signature: await makeRemovalRequest(engine, alice, { ...terms, signatureKeys: [] }) })).toBe(
    'void',
  );
});

it('is void when any of its bytes has changed, and whatever else it may be', async () => {
  const { engine, group, presented } = await aliceAndBob();
  const { signature } = presented;
  for (let at = 0; at < signature.length; at += 1) {
    const changed = signature.map((byte, index) => (index === at ? byte ^ 1 : byte));
    expect((await judgeRemoval(engine, group, { ...presented, signature: changed })).kind).toBe('void');
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (garbage) => {
      expect((await judgeRemoval(engine, group, { ...presented, signature: garbage })).kind).toBe('void');
    }),
  );
});

it('fits what the control plane carries, with the longest names and many keys', async () => {
  const { engine, alice, terms } = await aliceAndBob();
  const signatureKeys = Array.from({ length: 1000 }, (_, index) => Uint8Array.of(index, index >> 8));
  const request = await makeRemovalRequest(engine, alice, { ...terms, identity: new Uint8Array(256), signatureKeys });
  expect(request.length).toBeLessThanOrEqual(4096);
});
