import { describe, expect, test } from 'vitest';
import { createMlsEngine, encryptMessage } from '../../src/mls/index.ts';
import type { Padding } from '../../src/mls/index.ts';
import { Agent, commit, defined, gather, NO_BYTES, NOW, text } from './agents.ts';
import { LibraryMember } from './library-member.ts';

/** What a relay takes by default. */
const RELAY_LIMIT = 262_144;

async function alone(padding?: Padding): Promise<Agent> {
  const alice = await Agent.named('alice', await createMlsEngine(padding === undefined ? {} : { padding }));
  await alice.create();
  return alice;
}

async function lengthOf(agent: Agent, size: number): Promise<number> {
  // All from one value of the group: lengths are all that counts here.
  return (await encryptMessage(agent.engine, agent.group, new Uint8Array(size).fill(1), NO_BYTES)).ciphertext.length;
}

describe('padding', () => {
  test('shows of every size from 0 to 5000 which bucket it is in, and nothing else', { timeout: 60_000 }, async () => {
    const alice = await alone();
    const firstOfBucket: number[] = [];
    let previous = -1;
    for (let size = 0; size <= 5000; size++) {
      const length = await lengthOf(alice, size);
      if (length !== previous) firstOfBucket.push(size);
      expect(length).toBeGreaterThanOrEqual(previous);
      previous = length;
    }
    expect(firstOfBucket).toEqual([0, 289, 545, 1057, 2081, 4129]);
  });

  test('goes on in powers of two, and fits what a relay takes', async () => {
    const alice = await alone();
    const same = async (...sizes: readonly number[]): Promise<number> => {
      const lengths = new Set<number>();
      for (const size of sizes) lengths.add(await lengthOf(alice, size));
      expect(lengths.size).toBe(1);
      return defined([...lengths][0]);
    };
    const steps = [await same(4129, 8192 + 32), await same(8225, 16_384), await same(16_417, 32_768, 32_800)];
    steps.push(await same(65_569, 131_072, 131_104), await same(131_105, 200_000, 261_120, 261_152));
    expect([...steps].sort((a, b) => a - b)).toEqual(steps);
    expect(steps.at(-1)).toBeLessThan(RELAY_LIMIT - 300);
    await same(261_153, 400_000);
  });

  test('costs at most the bucket', async () => {
    const alice = await alone();
    for (const size of [1, 256, 512, 1024, 2048, 4096, 65_536]) {
      expect((await lengthOf(alice, size)) - Math.max(256, size)).toBeLessThan(350);
    }
  });

  test('can be a number or nothing', async () => {
    const none = await alone('none');
    expect((await lengthOf(none, 11)) - (await lengthOf(none, 10))).toBe(1);
    const fixed = await alone(700);
    expect(await lengthOf(fixed, 600)).toBe(await lengthOf(fixed, 0));
    expect((await lengthOf(fixed, 800)) - (await lengthOf(fixed, 799))).toBe(1);
  });

  test('hides in a private commit whom it adds, as far as the bucket goes', async () => {
    const alice = await alone();
    const sizes = new Set<number>();
    for (const name of ['somebody with a long name', 'somebody else with a name that is longer still']) {
      const bundle = await (await Agent.named(name, alice.engine)).keyPackage();
      sizes.add((await alice.stage({ add: [bundle.keyPackage] })).commit.length);
    }
    expect(sizes.size).toBe(1);
  });

  test('is understood by those who pad otherwise, and by the library', async () => {
    const paddings: Padding[] = ['buckets', 'none', 1000];
    const agents = await Promise.all(
      paddings.map(async (padding, index) => Agent.named(`agent-${index}`, await createMlsEngine({ padding }))),
    );
    await gather(...(agents as [Agent, ...Agent[]]));
    const theirs = await LibraryMember.named('theirs', NOW - 1000);
    const creator = defined(agents[0]);
    const staged = await creator.stage({ add: [theirs.keyPackage] });
    for (const agent of agents) if (agent !== creator) await agent.receive(staged.commit);
    creator.group = staged.next;
    await theirs.join(defined(staged.welcome));
    for (const sender of agents) {
      for (const length of [0, 255, 300, 3000]) {
        const sent = await sender.send('x'.repeat(length));
        for (const agent of agents) if (agent !== sender) expect(await agent.read(sent)).toBe('x'.repeat(length));
        expect(text(defined(await theirs.receive(sent)))).toBe('x'.repeat(length));
      }
      const { commit: rotation } = await commit(sender, agents, { rotate: true });
      await theirs.receive(rotation);
    }
  });
});
