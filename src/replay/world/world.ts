import type { SchedulerLike } from 'rxjs';
import type { ChannelName } from '../../base/channel-name.ts';
import { checkInteger } from '../../base/check.ts';
import { createMlsEngine } from '../../mls/index.ts';
import { schedulerOf } from '../../streams/index.ts';
import {
  createMemoryControlPlane,
  createMemoryRelay,
  type LogEntry,
  type MemoryControlPlane,
  type MemoryRelay,
  type Submission,
} from '../../transport/index.ts';
import { FaultBoard, type FaultCount } from '../faults/fault-board.ts';
import type { Fault } from '../faults/fault.ts';
import { type FaultPlan, formatFaultPlan, parseFaultPlan } from '../faults/fault-plan.ts';
import { TwinRelay } from '../network/twin-relay.ts';
import { AgentRunner, type AgentSurroundings } from './agent-runner.ts';
import type { ActionOutcome } from './group-actions.ts';
import { quiet } from './quiet.ts';
import { SeededRandom } from './seeded-random.ts';
import type { SimulatedAgent, SimulatedAgentOptions } from './simulated-agent.ts';
import { TimedFaults } from './timed-faults.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Options of {@link World}. */
export interface WorldOptions {
  /** Everything that chance decides follows from it: an integer. Default 1. */
  readonly seed?: number;
  /** What goes wrong, as a value or as the text of its file. Default nothing. */
  readonly plan?: FaultPlan | string;
  /** How long a frame is on its way, in virtual milliseconds: from, to. Default 1 to 20. */
  readonly latencyMs?: readonly [shortest: number, longest: number];
  /** What passes on an agent's clock between two reads of it, in milliseconds, as it does on a real one. Default 0. */
  readonly readMs?: number;
  /** Told of what leaves an agent, also if it never arrives. */
  readonly onSubmit?: (agent: string, submissions: readonly Submission[]) => void;
  /** Told of what has come to the relay, whatever that makes of it. */
  readonly onArrive?: (agent: string, submissions: readonly Submission[]) => void;
}

/** How long {@link World.complete} and {@link World.until} wait, in virtual milliseconds. */
const PATIENCE_MS = 600_000;

/**
 * A relay and any number of agents in one process, with real MLS, on a network, disks and time that are not real: the same
 * seed and plan give the same run, and a day passes as fast as what happens in it can be computed.
 *
 * Time stands still while you do something, and passes in {@link World.complete}, {@link World.run} and {@link World.until}.
 *
 * @example
 * await using world = new World({ seed: 7 });
 * const [alice, bob] = [world.agent('alice'), world.agent('bob')];
 * const channel = await world.complete(alice.client.createChannel('acme/research/summarizer'));
 * const welcome = await world.complete(bob.client.generateKeyPackage().then((keys) => channel.addMember(keys)));
 * await world.complete(bob.client.joinChannel('acme/research/summarizer', welcome));
 */
export class World implements AsyncDisposable {
  readonly seed: number;
  readonly clock: VirtualClock = new VirtualClock();
  /** The same for operators of RxJS: `debounceTime(100, world.scheduler)`. */
  readonly scheduler: SchedulerLike = schedulerOf(this.clock);
  /** For what your test decides by chance. */
  readonly random: SeededRandom;
  /** The relay's logs. */
  readonly relay: MemoryRelay;
  /** The control plane, for agents that have an account. */
  readonly controlPlane: MemoryControlPlane;
  readonly #twin: TwinRelay;
  readonly #board: FaultBoard;
  readonly #agents = new Map<string, AgentRunner>();
  readonly #surroundings: AgentSurroundings;
  readonly #timed: TimedFaults;
  readonly #errors: unknown[] = [];
  /** Code that is loaded when it is first needed takes real time: no virtual time may pass meanwhile. */
  readonly #loaded: Promise<unknown> = createMlsEngine();

  /** @throws {@link RuntimeError} `invalid_argument` for a plan that does not parse, or options out of range */
  constructor(options: WorldOptions = {}) {
    this.seed = checkInteger('seed', options.seed ?? 1, 0);
    const [shortest, longest] = options.latencyMs ?? [1, 20];
    checkInteger('latencyMs[0]', shortest, 0);
    checkInteger('latencyMs[1]', longest, shortest);
    const random = new SeededRandom(this.seed);
    this.random = random.fork();
    const latencies = random.fork();
    /** For those who are no agents, so that what they draw changes nothing for the agents. */
    const others = new SeededRandom(~this.seed);
    this.relay = createMemoryRelay({ clock: this.clock });
    this.controlPlane = createMemoryControlPlane({ relay: this.relay, clock: this.clock, random: others.fork() });
    this.#twin = new TwinRelay(this.relay, this.clock);
    const { plan = { version: 1, faults: [] } } = options;
    this.#board = new FaultBoard(parseFaultPlan(plan));
    this.#surroundings = {
      relay: this.#twin,
      controlPlane: this.controlPlane,
      clock: this.clock,
      random,
      board: this.#board,
      latency: () => latencies.between(shortest, longest),
      onError: (error) => this.#errors.push(error),
      readMs: checkInteger('readMs', options.readMs ?? 0, 0),
      onSubmit: options.onSubmit ?? (() => undefined),
      onArrive: options.onArrive ?? (() => undefined),
    };
    this.#timed = new TimedFaults({
      board: this.#board,
      clock: this.clock,
      relay: this.#twin,
      controlPlane: this.controlPlane,
      random: others.fork(),
      agent: (name) => this.#runner(name),
      onError: this.#surroundings.onError,
    });
  }

  /** The agent of this name: started when it is first asked for, with these options. */
  agent(name: string, options: SimulatedAgentOptions = {}): SimulatedAgent {
    return this.#runner(name, options);
  }

  /** All agents, in the order in which they were first asked for. */
  get agents(): readonly SimulatedAgent[] {
    return [...this.#agents.values()];
  }

  /** The plan counts from here: its times begin, and its counts of operations. Until then nothing goes wrong. */
  arm(): void {
    if (this.#board.isArmed) return;
    this.#board.arm();
    this.#timed.arm();
  }

  /** Lets so much time pass. @throws what a program of an agent threw */
  async run(forMs: number): Promise<void> {
    const untilMs = this.clock.elapsedMs + checkInteger('forMs', forMs, 0);
    for (;;) {
      await this.#settle();
      const next = this.clock.nextMs;
      if (next === undefined || next > untilMs) break;
      this.clock.runNext();
    }
    this.clock.skipTo(untilMs);
  }

  /** Lets time pass until it holds. Returns false if that takes longer than `withinMs`, default ten minutes. */
  async until(holds: () => boolean, withinMs: number = PATIENCE_MS): Promise<boolean> {
    const untilMs = this.clock.elapsedMs + checkInteger('withinMs', withinMs, 0);
    for (;;) {
      await this.#settle();
      if (holds()) return true;
      const next = this.clock.nextMs;
      if (next === undefined || next > untilMs) return false;
      this.clock.runNext();
    }
  }

  /**
   * Lets time pass until `work` is done, and returns what comes of it.
   *
   * @throws what it rejects with; Error if it is not done within `withinMs`, default ten minutes
   */
  async complete<T>(work: PromiseLike<T>, withinMs: number = PATIENCE_MS): Promise<T> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    work.then(done, done);
    if (await this.until(() => isDone, withinMs)) return work;
    throw new Error(`it was not done after ${withinMs} ms of virtual time`);
  }

  /**
   * All that lasts is over: everybody is up and reaches the relay, on a connection of its own. What of the plan has not begun
   * yet stays in store.
   */
  heal(): void {
    this.#timed.heal();
    this.#twin.stop();
    this.#twin.start();
    for (const agent of this.#agents.values()) {
      agent.mischief.heal();
      agent.start();
    }
  }

  /** Everything that was ever in the channel's log, also what retention has taken; without what a backup lacked. */
  log(channel: ChannelName): readonly LogEntry[] {
    return this.#twin.log(channel);
  }

  /** How often each fault of the plan has happened. */
  get faultCounts(): readonly FaultCount[] {
    return this.#board.counts;
  }

  /** What of the plan has not happened. */
  get unfired(): readonly Fault[] {
    return this.#board.unfired;
  }

  /** What became of what the plan did in the place of agents. */
  get actions(): readonly ActionOutcome[] {
    return this.#timed.outcomes;
  }

  /** @throws Error if something of the plan has not happened: then the run has not tested what the plan says */
  checkAllFired(): void {
    const { unfired } = this;
    if (unfired.length === 0) return;
    throw new Error(`These faults of the plan never happened:\n${formatFaultPlan({ version: 1, faults: unfired })}`);
  }

  /** Closes all clients. @throws what one of them could not close with, or Error if one does not end */
  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    await this.complete(Promise.all(this.agents.map(({ client }) => client.close())));
    this.controlPlane.close();
  }

  async #settle(): Promise<void> {
    await this.#loaded;
    await quiet();
    if (this.#errors.length > 0) throw this.#errors.shift();
  }

  #runner(name: string, options: SimulatedAgentOptions = {}): AgentRunner {
    const known = this.#agents.get(name);
    if (known !== undefined) return known;
    const agent = new AgentRunner(name, options, this.#surroundings);
    this.#agents.set(name, agent);
    agent.start();
    return agent;
  }
}
