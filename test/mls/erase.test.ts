import { describe, expect, test } from 'vitest';
import { encodeGroup, encryptMessage, eraseSpent, settleCommit } from '../../src/mls/index.ts';
import { stateOf } from '../../src/mls/group-state.ts';
import { commit, defined, groupOf, NO_BYTES } from './agents.ts';

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

describe('eraseSpent', () => {
  test('overwrites what was used up and leaves what is still in use', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const before = alice.group;
    const used = defined(stateOf(before).secretTree[0]).application.secret;
    const message = await alice.send('one');
    const kept = encodeGroup(alice.group);
    eraseSpent(before, [alice.group]);
    expect(isZero(used)).toBe(true);
    expect(encodeGroup(alice.group)).toEqual(kept);
    expect(await bob.read(message)).toBe('one');
    expect(await bob.read(await alice.send('two'))).toBe('two');
  });

  test('overwrites what a batch has used up on its way, in one go', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const batch: Uint8Array[] = [];
    for (let message = 0; message < 8; message++) batch.push(await bob.send(`message ${message}`));
    const skipped = defined(batch.shift());
    const passed = [];
    const used = [];
    for (const bytes of batch) {
      passed.push(alice.group);
      used.push(defined(stateOf(alice.group).secretTree[2]).application.secret);
      await alice.read(bytes);
    }
    const late = defined(Object.values(defined(stateOf(alice.group).secretTree[2]).application.unusedGenerations)[0]);
    const kept = encodeGroup(alice.group);
    eraseSpent(passed, [alice.group]);
    // The first is still needed: it is where the key of the skipped message comes from.
    expect(used.map(isZero)).toEqual([false, ...used.slice(1).map(() => true)]);
    expect(used[0]).toBe(late);
    for (const group of passed) expect(() => encodeGroup(group)).toThrow();
    expect(encodeGroup(alice.group)).toEqual(kept);
    expect(await alice.read(skipped)).toBe('message 0');
  });

  test('overwrites a commit that lost, whether the group has moved on or not', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const staged = await alice.stage({ rotate: true });
    const { initSecret } = stateOf(staged.next).keySchedule;
    const winner = await bob.stage({ rotate: true });
    bob.group = winner.next;
    const before = alice.group;
    await alice.receive(winner.commit);
    eraseSpent([before, staged.next], [alice.group]);
    expect(isZero(initSecret)).toBe(true);
    expect(await bob.read(await alice.send('after'))).toBe('after');
  });

  test('changes nothing if one of the values is erased already', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const first = alice.group;
    await alice.send('one');
    const second = alice.group;
    await alice.send('two');
    eraseSpent(first, [second, alice.group]);
    expect(() => eraseSpent([second, first], [alice.group])).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
    expect(encodeGroup(second).length).toBeGreaterThan(0);
    expect(await bob.read(await alice.send('three'))).toBe('three');
  });

  test('makes the dropped value unusable', async () => {
    const [alice] = await groupOf('alice', 'bob');
    const before = alice.group;
    await alice.send('one');
    eraseSpent(before, [alice.group]);
    expect(() => encodeGroup(before)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    await expect(encryptMessage(alice.engine, before, NO_BYTES, NO_BYTES)).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    expect(() => eraseSpent(alice.group, [alice.group])).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  test('does not touch what a pending commit shares, whether that wins or loses', async () => {
    for (const wins of [true, false]) {
      const [alice, bob] = await groupOf('alice', 'bob');
      const staged = await alice.stage({ rotate: true });
      const late = await bob.send('late');
      for (let message = 0; message < 3; message++) {
        const before = alice.group;
        await alice.read(await bob.send('while pending'));
        eraseSpent(before, [alice.group, staged.next]);
      }
      const before = alice.group;
      if (wins) {
        await bob.receive(staged.commit);
        alice.group = settleCommit(before, staged.next);
        eraseSpent(staged.next, [before, alice.group]);
      } else {
        const winner = await bob.stage({ rotate: true });
        bob.group = winner.next;
        await alice.receive(winner.commit);
        eraseSpent(staged.next, [before, alice.group]);
      }
      eraseSpent(before, [alice.group]);
      expect(await alice.read(late)).toBe('late');
      expect(await bob.read(await alice.send('after'))).toBe('after');
      await commit(alice, [bob], { rotate: true });
      expect(await alice.read(await bob.send('and on'))).toBe('and on');
    }
  });

  test('never lets an agent encrypt with a key that was erased under it', async () => {
    const [alice] = await groupOf('alice', 'bob');
    const before = alice.group;
    const [first, second] = [await alice.stage({ rotate: true }), alice.group];
    await alice.send('one');
    // The mistake: `first.next` is not named, though it is in use.
    eraseSpent(before, [alice.group]);
    expect(second).toBe(before);
    defined(stateOf(first.next).secretTree[0]).application.secret.fill(0);
    await expect(encryptMessage(alice.engine, first.next, NO_BYTES, NO_BYTES)).rejects.toMatchObject({
      code: 'runtime_error',
    });
    stateOf(alice.group).keySchedule.initSecret.fill(0);
    await expect(alice.stage({ rotate: true })).rejects.toMatchObject({ code: 'runtime_error' });
  });

  test('leaves the signature key and the tree alone after a removal', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const before = alice.group;
    await commit(alice, [bob], { leavers: [carol] });
    eraseSpent(before, [alice.group]);
    await commit(alice, [bob], { rotate: true });
    expect(await bob.read(await alice.send('signed'))).toBe('signed');
    expect(isZero(alice.keys.signaturePrivateKey)).toBe(false);
  });
});
