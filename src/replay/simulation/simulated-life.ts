import type { Channel } from '../../actors/channel/index.ts';
import { checkInteger } from '../../base/check.ts';
import { SkytaleError } from '../../base/errors.ts';
import { parseChannelName } from '../../base/channel-name.ts';
import { checkRun, type KeyUse, History, type Violation } from '../checkers/index.ts';
import type { FaultCount } from '../faults/fault-board.ts';
import type { FaultPlan } from '../faults/fault-plan.ts';
import { SeededRandom } from '../world/seeded-random.ts';
import type { SimulatedAgent } from '../world/simulated-agent.ts';
import { World } from '../world/world.ts';
import { BUSY_MS, randomPlan } from './random-plan.ts';

/** Options of {@link simulateLife}. */
export interface LifeOptions {
  readonly seed: number;
  /** How many agents are in the channel: 2 to 50. Default 5. */
  readonly agents?: number;
  /** How often each agent speaks in a busy time; one time in two it says two things at once. At least 1. Default 4. */
  readonly callsPerAgent?: number;
  /** What goes wrong. Default what follows from the seed. */
  readonly plan?: FaultPlan;
  /** What passes on an agent's clock between two reads of it, in milliseconds. Default 0. */
  readonly readMs?: number;
  /** Is told of every payload that leaves an agent; what it notices is a violation. */
  readonly keyUse?: KeyUse;
  /** Is given the channel of each agent, in each of its lives. */
  readonly onChannel?: (agent: string, channel: Channel) => void;
}

/** How a life went. */
export interface LifeReport {
  readonly seed: number;
  readonly plan: FaultPlan;
  readonly violations: readonly Violation[];
  readonly faultCounts: readonly FaultCount[];
  /** Messages in the log. */
  readonly messages: number;
  readonly virtualMs: number;
}

const CHANNEL = parseChannelName('simulation/of/agents');
const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'];
/** Busy times that are added until everything in the plan has happened. */
const MAX_BUSY_TIMES = 12;

/**
 * One life of a channel under one seed: some agents meet, talk, are hit by what the plan has in store, and come to rest. Then all
 * checkers look at what each of them has seen.
 */
export async function simulateLife({
  seed,
  agents = 5,
  callsPerAgent = 4,
  plan,
  readMs = 0,
  keyUse,
  onChannel,
}: LifeOptions): Promise<LifeReport> {
  checkInteger('agents', agents, 2, 50);
  checkInteger('callsPerAgent', callsPerAgent, 1);
  const names = Array.from({ length: agents }, (_, index) => NAMES[index] ?? `agent-${index}`);
  const chosen = plan ?? randomPlan(new SeededRandom(seed), names);
  const world = new World({
    seed,
    plan: chosen,
    readMs,
    onSubmit: (agent, submissions) => submissions.forEach(({ payload }) => keyUse?.left(agent, payload)),
    onArrive: (_, submissions) => submissions.forEach(({ payload }) => keyUse?.arrived(payload)),
  });
  return new Life(world, { names, callsPerAgent, plan: chosen, keyUse, onChannel }).run();
}

/** A life with all that was left open decided. */
interface ChosenLife {
  readonly names: readonly string[];
  readonly callsPerAgent: number;
  readonly plan: FaultPlan;
  readonly keyUse: KeyUse | undefined;
  readonly onChannel: LifeOptions['onChannel'];
}

class Life {
  readonly #world: World;
  readonly #options: ChosenLife;
  readonly #history = new History();
  readonly #channels = new Map<string, Channel>();
  #sent = 0;

  constructor(world: World, options: ChosenLife) {
    this.#world = world;
    this.#options = options;
  }

  async run(): Promise<LifeReport> {
    const { plan, keyUse } = this.#options;
    const world = this.#world;
    await this.#meet();
    // Who has just joined cannot tell whether the first entry that it gets is the first one there is.
    this.#say(this.#options.names[0] ?? '');
    await world.until(() => this.#isAtRest());
    world.arm();
    for (let times = 0; times === 0 || (world.unfired.length > 0 && times < MAX_BUSY_TIMES); times += 1) {
      this.#talk();
      await world.run(BUSY_MS);
    }
    const unfired = world.unfired;
    world.heal();
    await world.until(() => this.#isAtRest());
    this.#history.conclude();
    const log = world.log(CHANNEL);
    await world[Symbol.asyncDispose]();
    const { seed, faultCounts, clock } = world;
    return {
      seed,
      plan,
      violations: [
        ...checkRun(this.#history.record(log)),
        ...(keyUse?.violations ?? []),
        ...unfired.map(({ kind }) => ({ checker: 'all-faults-fired', agent: '', detail: `${kind} never happened` })),
      ],
      faultCounts,
      messages: log.filter(({ kind }) => kind === 'message').length,
      virtualMs: clock.elapsedMs,
    };
  }

  async #meet(): Promise<void> {
    const world = this.#world;
    const [founder, ...others] = this.#options.names.map((name) => this.#agent(name));
    if (founder === undefined) return;
    const { channel$ } = await world.complete(founder.client.createChannel(CHANNEL));
    this.#listen(founder.name, channel$);
    const add = await world.complete(Promise.all(others.map(({ client }) => client.generateKeyPackage())));
    const { welcome } = await world.complete(channel$.commit({ add }));
    if (welcome === undefined) throw new Error('the commit that adds the others has no Welcome');
    for (const { name, client } of others) {
      this.#listen(name, (await world.complete(client.joinChannel(CHANNEL, welcome))).channel$);
    }
  }

  #agent(name: string): SimulatedAgent {
    return this.#world.agent(name, {
      onStart: async (client, { lives }) => {
        if (lives > 1) this.#listen(name, (await client.openChannel(CHANNEL)).channel$);
      },
      onCrash: (_, how) => {
        this.#history.crashed(name, how);
        if (how === 'restored') this.#options.keyUse?.restored(name);
        this.#channels.delete(name);
      },
      // As a process manager does with a program that cannot start: a moment later it is tried again.
      onError: (error, agent) => {
        if (!(error instanceof SkytaleError)) throw error;
        agent.crashFor(100);
      },
    });
  }

  /** Every other agent is a durable consumer. */
  #listen(name: string, channel: Channel): void {
    const consumes = this.#options.names.indexOf(name) % 2 === 1;
    this.#channels.set(name, channel);
    this.#options.onChannel?.(name, channel);
    this.#history.watch(name, channel, { consumes });
    if (consumes) channel.consume((message) => this.#history.handled(name, message));
  }

  #talk(): void {
    const { random, clock } = this.#world;
    for (const name of this.#options.names) {
      for (let call = 0; call < this.#options.callsPerAgent; call += 1) {
        // Some come together, so that they travel in one frame.
        const times = random.between(1, 2);
        clock.schedule(random.between(0, BUSY_MS), () => {
          for (let time = 0; time < times; time += 1) this.#say(name);
        });
      }
    }
  }

  #say(name: string): void {
    const status = this.#channels.get(name)?.status$.value;
    if (status === undefined || status === 'removed' || status === 'refused') return;
    this.#sent += 1;
    void this.#history.send(name, new TextEncoder().encode(`${name} ${this.#sent}`));
  }

  /** Whether everybody is up, has read everything, and waits for nothing. */
  #isAtRest(): boolean {
    const head = this.#world.log(CHANNEL).at(-1)?.seq ?? 0;
    const isDone = this.#options.names.every((name) => {
      const state = this.#channels.get(name)?.state$.value;
      if (state === undefined) return false;
      const isOver = state.status === 'removed' || state.status === 'refused' || state.status === 'stuck';
      return isOver || (state.status === 'live' && state.seq === head && state.unsettled === 0);
    });
    return isDone && this.#history.pendingSends === 0;
  }
}
