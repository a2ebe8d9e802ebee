import { expect, test } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { createMlsEngine, epochAuthenticator } from '../../src/mls/index.ts';
import { Agent, commit, gather } from './agents.ts';
import { seededRandom, seedOfRun } from '../support/seeded.ts';

/** Two minutes, for machines that have much else to do. */
const LONG = { timeout: 120_000 };

/**
 * Two leave and two join in every round, by a committer chosen at random; in between, members renew their keys and one
 * is added without that, so that lists of unmerged leaves of all shapes stay behind. The library's own joinGroup refuses
 * most of these trees.
 */
test.each([{ members: 8 }, { members: 8 }, { members: 16 }, { members: 16 }, { members: 32 }, { members: 32 }])(
  'refuses nobody through churn among $members (%#)',
  LONG,
  async ({ members }) => {
    const seed = seedOfRun();
    const random = seededRandom(seed);
    const oneOf = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const take = (from: Agent[]): Agent => from.splice(Math.floor(random() * from.length), 1)[0] as Agent;
    const engine = await createMlsEngine();
    let named = 0;
    const recruit = (): Promise<Agent> => Agent.named(`agent-${named++}`, engine);

    const creator = await recruit();
    const present = [creator];
    while (present.length < members) present.push(await recruit());
    await gather(creator, ...present.slice(1));

    for (let round = 1; round <= 15; round++) {
      const where = `seed ${seed}, round ${round}`;
      const committer = take(present);
      const leavers = [take(present), take(present)];
      const joiners = [await recruit(), await recruit()];
      const framing = random() < 0.5 ? 'private' : 'public';
      const refused = commit(committer, present, { joiners, leavers }, framing).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(await refused, where).toBeUndefined();
      present.push(committer, ...joiners);

      if (round % 3 === 0) {
        const leaver = take(present);
        await commit(oneOf(present), present, { leavers: [leaver] });
        const joiner = await recruit();
        await commit(oneOf(present), present, { joiners: [joiner] });
        present.push(joiner);
        await commit(oneOf(present), present, { rotate: true });
      }

      const authenticators = new Set(present.map((agent) => toHex(epochAuthenticator(agent.group))));
      expect(authenticators.size, where).toBe(1);
      const speaker = oneOf(present);
      const said = await speaker.send(where);
      for (const agent of present) if (agent !== speaker) expect(await agent.read(said)).toBe(where);
    }
  },
);
