import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientChannel, SkytaleClient } from '../../src/index.ts';
import type { Program } from '../program.ts';
import type { AgentState, MortalAgentCalls, Opening } from './programs/agent.ts';

/** What alice says, in two halves; she renews her keys between them. */
const SAID = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'] as const;
/** What bob says to her meanwhile. */
const ANSWERED = ['b1', 'b2', 'b3'] as const;
const PATIENCE_MS = 20_000;
/** What a call to a process rejects with that is no more. */
const IS_GONE = /a process has ended|channel closed/i;

/** How a life went, from where its other member stood. */
export interface LifeOutcome {
  /** What is wrong with it: nothing. */
  readonly complaints: readonly string[];
  /** Writes of its first process, until it ended or was killed. */
  readonly writes: number;
  readonly wasKilled: boolean;
}

/**
 * A life of alice, told step by step: she makes a channel, adds bob, talks with him, renews her keys. Her process may be killed
 * anywhere; then another one goes on with the step that was not done. Bob writes down what he sees, and compares.
 */
export class ScriptedLife {
  readonly #start: () => Program<MortalAgentCalls>;
  #opening: Opening;
  readonly #bob: SkytaleClient;
  #agent: Program<MortalAgentCalls>;
  #channel: ClientChannel | undefined;
  #wasKilled = false;
  #deathsLeft = 1;
  #said = 0;
  readonly #heard: string[] = [];
  /** Sends that got no answer because their process was gone. */
  readonly #unanswered = new Set<string>();

  /** @param start starts another process, when this one is gone */
  constructor(
    agent: Program<MortalAgentCalls>,
    start: () => Program<MortalAgentCalls>,
    bob: SkytaleClient,
    opening: Opening,
  ) {
    this.#agent = agent;
    this.#start = start;
    this.#bob = bob;
    this.#opening = opening;
  }

  /** The process that alice is in now: good for another life. */
  get agent(): Program<MortalAgentCalls> {
    return this.#agent;
  }

  async run(): Promise<LifeOutcome> {
    let writes = 0;
    await this.#surviving(() => this.#agent.call('open', this.#opening));
    await this.#surviving(() => this.#join());
    await this.#talk(SAID.length / 2);
    await this.#surviving(() => this.#agent.call('rotate'));
    for (const text of ANSWERED) await this.#channel?.send(new TextEncoder().encode(text));
    await this.#talk(SAID.length);
    const complaints = await this.#compare();
    await this.#surviving(async () => {
      writes = await this.#agent.call('close');
    });
    await this.#channel?.channel$.stop({ graceMs: 0 });
    return { complaints, writes, wasKilled: this.#wasKilled };
  }

  /** Does a step, again if the process was killed in it. Each life has one death. */
  async #surviving(step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (this.#deathsLeft === 0 || !IS_GONE.test(String(error))) throw error;
      this.#deathsLeft = 0;
      this.#wasKilled = true;
      this.#agent = this.#start();
      this.#opening = { ...this.#opening, killAtWrite: 0 };
      await this.#agent.call('open', this.#opening);
      await step();
    }
  }

  async #join(): Promise<void> {
    const keyPackage = await this.#bob.generateKeyPackage();
    const welcome = await this.#agent.call('add', { identity: 'bob', keyPackage });
    this.#channel = await this.#bob.joinChannel(this.#opening.channel, welcome);
    this.#channel.channel$.subscribe(({ payload }) => this.#heard.push(new TextDecoder().decode(payload)));
  }

  async #talk(until: number): Promise<void> {
    while (this.#said < until) {
      const text = SAID[this.#said];
      this.#said += 1;
      if (text === undefined) return;
      await this.#surviving(async () => {
        // It was accepted before its process was gone, or it was not: nobody says it twice.
        if (this.#unanswered.has(text)) return;
        this.#unanswered.add(text);
        await this.#agent.call('say', text);
        this.#unanswered.delete(text);
      });
    }
  }

  async #compare(): Promise<readonly string[]> {
    const complaints: string[] = [];
    const certain = SAID.filter((text) => !this.#unanswered.has(text));
    const isThere = (text: string): boolean => this.#heard.includes(text);
    let state = await this.#stateOf();
    const isDone = (): boolean =>
      certain.every(isThere) &&
      ANSWERED.every((text) => state.handled.includes(text)) &&
      state.status === 'live' &&
      state.unsettled === 0 &&
      state.authenticator === this.#authenticator;
    for (const endAtMs = performance.now() + PATIENCE_MS; !isDone() && performance.now() < endAtMs; ) {
      await sleep(10);
      state = await this.#stateOf();
    }
    if (!certain.every(isThere)) complaints.push(`bob has heard ${this.#heard.join()} of ${certain.join()}`);
    if (this.#heard.join() !== SAID.filter(isThere).join()) complaints.push(`bob has heard ${this.#heard.join()}`);
    // Who is killed before that is written down handles messages again: those that it had not written down. Nothing is left out, and
    // nothing comes a third time.
    const handled = this.#wasKilled ? [...new Set(state.handled)] : state.handled;
    if (handled.join() !== ANSWERED.join()) complaints.push(`alice has handled ${state.handled.join()}`);
    const isThird = (text: string): boolean => state.handled.filter((other) => other === text).length > 2;
    if (ANSWERED.some(isThird)) complaints.push(`alice has handled ${state.handled.join()}`);
    if (state.status !== 'live' || state.unsettled > 0)
      complaints.push(`alice is ${state.status}, ${state.unsettled} wait`);
    if (state.authenticator !== this.#authenticator) complaints.push('alice and bob are in different states');
    if (state.members !== 2) complaints.push(`alice knows ${state.members} members`);
    return complaints;
  }

  async #stateOf(): Promise<AgentState> {
    let state: AgentState | undefined;
    await this.#surviving(async () => {
      state = await this.#agent.call('state');
    });
    if (state === undefined) throw new Error('there was no answer');
    return state;
  }

  get #authenticator(): string {
    return Buffer.from(this.#channel?.channel$.state$.value.epochAuthenticator ?? []).toString('hex');
  }
}
