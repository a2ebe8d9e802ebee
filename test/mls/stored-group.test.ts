import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/base/bytes.ts';
import { applyGroupDelta, decodeGroup, encodeGroup, groupDelta } from '../../src/mls/index.ts';
import type { Group } from '../../src/mls/index.ts';
import { Agent, commit, defined, groupOf } from './agents.ts';
import { seededRandom, seedOfRun } from '../support/seeded.ts';

const same = (a: Group, b: Group): boolean => equalBytes(encodeGroup(a), encodeGroup(b));

describe('a stored group', () => {
  test('is the same after a round trip, in every state that it can be in', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    for (let epoch = 0; epoch < 6; epoch++) await commit(alice, [bob, carol], { rotate: true });
    await alice.send('sent');
    const lost = await bob.send('late');
    await alice.read(await bob.send('read'));
    await commit(alice, [bob, carol], { leavers: [carol] });
    for (const agent of [alice, bob, carol]) {
      const bytes = encodeGroup(agent.group);
      const restored = decodeGroup(agent.engine, bytes);
      expect(equalBytes(encodeGroup(restored), bytes)).toBe(true);
      expect(restored).toEqual(agent.group);
      // Whoever lent the bytes may write to them again.
      bytes.fill(0xff);
      agent.group = restored;
    }
    expect(carol.group.isActive).toBe(false);
    expect(await alice.read(lost)).toBe('late');
    expect(await bob.read(await alice.send('goes on'))).toBe('goes on');
  });

  test('goes on after every step being stored and restored', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const restore = (agent: Agent): void => {
      agent.group = decodeGroup(agent.engine, encodeGroup(agent.group));
    };
    for (let round = 0; round < 8; round++) {
      const message = await alice.send(`round ${round}`);
      restore(alice);
      expect(await bob.read(message)).toBe(`round ${round}`);
      restore(bob);
      await commit(bob, [alice], { rotate: true }, round % 2 ? 'public' : 'private');
      restore(alice);
      restore(bob);
    }
  });

  test('refuses bytes that are none, damaged, or of a newer version', async () => {
    const [alice] = await groupOf('alice', 'bob');
    const bytes = encodeGroup(alice.group);
    const bad = (code: string, change: (copy: Uint8Array) => Uint8Array): void => {
      expect(() => decodeGroup(alice.engine, change(bytes.slice()))).toThrow(expect.objectContaining({ code }));
    };
    bad('store_damaged', () => new Uint8Array(0));
    bad('store_damaged', () => Uint8Array.of(1, 0, 1));
    bad('store_damaged', (copy) => copy.subarray(0, -1));
    bad('store_damaged', (copy) => Uint8Array.of(...copy, 0));
    bad('store_damaged', (copy) => copy.fill(2, 1, 3));
    bad('store_damaged', (copy) => copy.fill(0, 0, 1));
    bad('data_dir_version', (copy) => copy.fill(2, 0, 1));
  });
});

describe('a delta', () => {
  test('rebuilds the group byte for byte, through messages in any order and of past epochs', async () => {
    const seed = seedOfRun();
    const random = seededRandom(seed);
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    let stored = decodeGroup(alice.engine, encodeGroup(alice.group));
    const underway: Uint8Array[] = [];
    let before = alice.group;
    let deltas = 0;
    for (let step = 0; step < 300; step++) {
      const dice = random();
      if (dice < 0.3) underway.push(await bob.send(`b${step}`));
      else if (dice < 0.5) underway.push(await carol.send(`c${step}`));
      else if (dice < 0.6) await alice.send(`a${step}`);
      else if (dice < 0.95) {
        const [next] = underway.splice(Math.floor(random() * underway.length), 1);
        if (next !== undefined) await alice.receive(next).catch(() => undefined);
      } else await commit(alice, [bob, carol], { rotate: true });

      const delta = groupDelta(before, alice.group);
      if (delta === undefined) {
        expect(alice.group.epoch).toBe(before.epoch + 1n);
        stored = decodeGroup(alice.engine, encodeGroup(alice.group));
      } else {
        deltas++;
        stored = applyGroupDelta(alice.engine, stored, delta);
      }
      expect(same(stored, alice.group), `seed ${seed}, step ${step}`).toBe(true);
      before = alice.group;
    }
    expect(deltas).toBeGreaterThan(200);
    expect(alice.group.epoch).toBeGreaterThan(1n);
  });

  test('covers a whole batch, and is as small in a large group as in a small one', async () => {
    const small = await groupOf('alice', 'bob');
    const large = await groupOf('alice', ...Array.from({ length: 40 }, (_, index) => `agent-${index}`));
    const sizes = [];
    for (const [alice, bob] of [small, large]) {
      const before = defined(bob).group;
      for (let message = 0; message < 32; message++)
        await defined(bob).read(await defined(alice).send('one of a batch'));
      const delta = defined(groupDelta(before, defined(bob).group));
      expect(same(applyGroupDelta(defined(bob).engine, before, delta), defined(bob).group)).toBe(true);
      sizes.push(delta.length);
    }
    expect(sizes[0]).toBe(sizes[1]);
    expect(sizes[0]).toBeLessThan(100);
  });

  test('of nothing is nearly nothing', async () => {
    const [alice] = await groupOf('alice', 'bob');
    const delta = defined(groupDelta(alice.group, alice.group));
    expect(delta.length).toBeLessThan(4);
    expect(same(applyGroupDelta(alice.engine, alice.group, delta), alice.group)).toBe(true);
  });

  test('cannot tell of a commit, of a removal, or between values that did not come from each other', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const [before, carolBefore] = [alice.group, carol.group];
    const { commit: removal } = await commit(alice, [bob], { leavers: [carol] });
    await carol.receive(removal);
    expect(groupDelta(before, alice.group)).toBeUndefined();
    expect(groupDelta(carolBefore, carol.group)).toBeUndefined();
    expect(groupDelta(before, decodeGroup(alice.engine, encodeGroup(before)))).toBeUndefined();
  });

  test('is refused where it does not belong', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const before = alice.group;
    await alice.send('one');
    const first = defined(groupDelta(before, alice.group));
    const middle = alice.group;
    await alice.send('two');
    const later = alice.group;
    const damaged = expect.objectContaining({ code: 'store_damaged' }) as Error;
    // Applied late, it would have a key used twice.
    expect(() => applyGroupDelta(alice.engine, later, first)).toThrow(damaged);
    expect(same(applyGroupDelta(alice.engine, before, first), middle)).toBe(true);
    const [single] = await groupOf('alice');
    expect(() => applyGroupDelta(alice.engine, single.group, first)).toThrow(damaged);
    expect(() => applyGroupDelta(bob.engine, before, first.subarray(0, -1))).toThrow(damaged);
    expect(() => applyGroupDelta(bob.engine, before, new Uint8Array(0))).toThrow(damaged);
    expect(() => applyGroupDelta(bob.engine, before, first.slice().fill(7, 0, 1))).toThrow(
      expect.objectContaining({ code: 'data_dir_version' }),
    );
  });
});
