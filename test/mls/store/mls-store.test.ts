import { NO_PINS } from '../../../src/mls/identity-pins.ts';
import { describe, expect, test } from 'vitest';
import { encodeGroup, eraseSpent, NO_ADMISSIONS } from '../../../src/mls/index.ts';
import type { Group } from '../../../src/mls/index.ts';
import { mlsGroupCodec, openAgentStore } from '../../../src/mls/store/index.ts';
import type { AgentStore, ChannelRecord } from '../../../src/mls/store/index.ts';
import { CHANNEL, defined, groupOf } from '../agents.ts';
import type { Agent } from '../agents.ts';
import { bytesOf } from './fake-groups.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { memoryStore, NAMESPACE } from './stores.ts';
import type { RawStore } from './stores.ts';

function recordOf(agent: Agent): ChannelRecord {
  return {
    name: CHANNEL,
    group: agent.group,
    idKey: bytesOf(1, 32),
    cursor: { afterSeq: 0 },
    outbox: [],
    journal: [],
    pendingCommit: undefined,
    commitSpentInEpoch: undefined,
    admissions: NO_ADMISSIONS,
    pins: NO_PINS,
  };
}

const open = (raw: RawStore, agent: Agent): Promise<AgentStore> =>
  openAgentStore({ keyv: raw.keyv, codec: mlsGroupCodec(agent.engine), clock: new ManualClock() });

/** Saves the agent's group, and then erases what it was before, as the channel does. */
async function save(store: AgentStore, agent: Agent, before: Group): Promise<void> {
  await store.saveChannel(recordOf(agent));
  if (before !== agent.group) eraseSpent(before, [agent.group]);
}

/** What the next process of this agent would find: another store on the same data. */
async function afterCrash(raw: RawStore, agent: Agent): Promise<ChannelRecord> {
  const store = await open(raw, agent);
  return defined(await store.loadChannel(CHANNEL));
}

describe('a group of MLS in the store', () => {
  test('is the same in every byte after each message sent and received', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const raw = memoryStore();
    const store = await open(raw, bob);
    await store.saveChannel(recordOf(bob));
    for (let round = 0; round < 12; round += 1) {
      const before = bob.group;
      if (round % 3 === 0) await alice.read(await bob.send(`answer ${round}`));
      else expect(await bob.read(await alice.send(`question ${round}`))).toBe(`question ${round}`);
      await save(store, bob, before);
      expect(encodeGroup((await afterCrash(raw, bob)).group)).toEqual(encodeGroup(bob.group));
    }
    expect((await raw.keys()).filter((key) => key.includes('.delta.'))).toHaveLength(12);

    bob.group = (await afterCrash(raw, bob)).group;
    expect(await bob.read(await alice.send('are you back?'))).toBe('are you back?');
    expect(await alice.read(await bob.send('yes'))).toBe('yes');
  });

  test('costs a message some hundred bytes, in a group of ten', async () => {
    const [alice, bob] = await groupOf('alice', 'bob', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j');
    const raw = memoryStore();
    const store = await open(raw, bob);
    await store.saveChannel(recordOf(bob));
    const before = bob.group;
    await bob.read(await alice.send('one'));
    await save(store, bob, before);
    expect((await raw.get(`${NAMESPACE}:channel.1.delta.2`))?.length).toBeLessThan(300);
  });

  test('goes through a commit that is pending, and one that has won', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const raw = memoryStore();
    const store = await open(raw, bob);
    await store.saveChannel(recordOf(bob));
    await bob.read(await alice.send('before'));
    await store.saveChannel(recordOf(bob));
    const staged = await bob.stage({ rotate: true });
    const pendingCommit = {
      messageId: bytesOf(5, 16),
      epoch: bob.group.epoch,
      commit: staged.commit,
      welcome: staged.welcome,
      welcomeRefs: [],
      next: staged.next,
    };
    await store.saveChannel({ ...recordOf(bob), pendingCommit, commitSpentInEpoch: bob.group.epoch });

    const waiting = await afterCrash(raw, bob);
    expect(encodeGroup(waiting.group)).toEqual(encodeGroup(bob.group));
    expect(waiting.commitSpentInEpoch).toBe(bob.group.epoch);
    bob.group = defined(waiting.pendingCommit).next;
    await alice.receive(defined(waiting.pendingCommit).commit);
    await store.saveChannel(recordOf(bob));

    bob.group = (await afterCrash(raw, bob)).group;
    expect(await bob.read(await alice.send('after'))).toBe('after');
  });
});
