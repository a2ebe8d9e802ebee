import { parseChannelName } from '../../../src/base/channel-name.ts';
import { type FaultPlan, simulateLife, World } from '../../../src/replay/index.ts';
import { cpuMicros } from '../../mls/programs/cpu.ts';
import { serve } from '../../serve.ts';

/** A life of many. */
export interface LifeRun {
  readonly cpuSeconds: number;
  readonly agents: number;
  /** In the log. */
  readonly messages: number;
  /** Faults of the plan, all of which have happened. */
  readonly faults: number;
  readonly virtualMs: number;
}

/** A day of those who have nothing to do. */
export interface DayRun {
  readonly cpuSeconds: number;
  readonly agents: number;
  /** Entries that the day has added to the log: keys that were renewed. */
  readonly entries: number;
}

/** What this program can be asked for. */
export interface TwinCalls {
  life(): Promise<LifeRun>;
  day(): Promise<DayRun>;
}

const AGENTS = 50;
const MESSAGES = 1_000;
/** Each says one or two things at a time, so this is enough for all of them together. */
const CALLS_PER_AGENT = 15;

const CHANNEL = parseChannelName('bench/replay/idle');
const IDLE_AGENTS = 5;
const DAY_MS = 24 * 3600 * 1000;

/** Of each sort something. */
const PLAN: FaultPlan = {
  version: 1,
  faults: [
    { kind: 'lose-answer', agent: 'alice', nth: 2 },
    { kind: 'refuse-publish', agent: 'bob', nth: 2, from: 0, reason: 'rate-limited', retryAfterMs: 200 },
    { kind: 'drop-entries', agent: 'carol', nth: 3 },
    { kind: 'reorder-entries', agent: 'dave', nth: 3, ms: 200 },
    { kind: 'partition', agents: ['erin', 'frank', 'agent-8'], atMs: 300, forMs: 700 },
    { kind: 'half-open', agent: 'agent-9', atMs: 400, forMs: 500 },
    { kind: 'slow-reader', agent: 'agent-10', atMs: 200, forMs: 800 },
    { kind: 'relay-crash', nth: 120, when: 'after', forMs: 200 },
    { kind: 'store-fails', agent: 'agent-11', nth: 5, writes: 2, reason: 'full', when: 'before' },
    { kind: 'crash', agent: 'agent-12', nth: 8, forMs: 400 },
    { kind: 'commit-race', agents: ['alice', 'agent-13', 'agent-14'], atMs: 700 },
    { kind: 'remove-member', agent: 'alice', member: 'agent-15', atMs: 900 },
  ],
};

serve<TwinCalls>(
  {
    async life() {
      let run: Omit<LifeRun, 'cpuSeconds'> | undefined;
      const micros = await cpuMicros(1, async () => {
        const report = await simulateLife({ seed: 1, agents: AGENTS, callsPerAgent: CALLS_PER_AGENT, plan: PLAN });
        const { violations, messages, faultCounts, virtualMs } = report;
        if (violations.length > 0) throw new Error(`the life is broken: ${JSON.stringify(violations.slice(0, 3))}`);
        if (messages < MESSAGES) throw new Error(`there were only ${messages} messages`);
        run = { agents: AGENTS, messages, faults: faultCounts.length, virtualMs };
      });
      if (run === undefined) throw new Error('nothing was run');
      return { ...run, cpuSeconds: micros / 1e6 };
    },
    async day() {
      await using world = new World({ seed: 1 });
      const [founder, ...others] = Array.from({ length: IDLE_AGENTS }, (_, index) =>
        // With an account, so that they look after those who want to join.
        world.agent(`agent-${index}`, { account: `of agent-${index}` }),
      );
      if (founder === undefined) throw new Error('there is no agent');
      const { channel$ } = await world.complete(founder.client.createChannel(CHANNEL));
      channel$.connect();
      const add = await world.complete(Promise.all(others.map(({ client }) => client.generateKeyPackage())));
      const { welcome } = await world.complete(channel$.commit({ add }));
      if (welcome === undefined) throw new Error('nobody was added');
      const all = [channel$];
      for (const { client } of others) all.push((await world.complete(client.joinChannel(CHANNEL, welcome))).channel$);
      for (const each of all) each.connect();
      await world.until(() => all.every(({ status$ }) => status$.value === 'live'));
      const before = world.log(CHANNEL).length;
      const micros = await cpuMicros(1, () => world.run(DAY_MS));
      if (!all.every(({ status$ }) => status$.value === 'live')) throw new Error('somebody has not outlived the day');
      return { cpuSeconds: micros / 1e6, agents: IDLE_AGENTS, entries: world.log(CHANNEL).length - before };
    },
  },
  () => Promise.resolve(),
);
