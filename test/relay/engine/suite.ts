import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import type { ChannelName } from '../../../src/base/channel-name.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { AccountId } from '../../../src/relay/access/principal.ts';
import type { Durability, LogEngine } from '../../../src/relay/engine/log-engine.ts';
import type { LogRules } from '../../../src/relay/engine/log-rules.ts';
import { fresh } from '../support/submissions.ts';
import { temporaryDirectory } from '../support/temp-dir.ts';
import { TestChannel } from './test-channel.ts';

/** How the suite gets an engine: the same `place` means the same log, also after `close()`. */
export type OpenEngine = (place: string, options: OpenEngineOptions) => Promise<LogEngine>;

/** What a test asks of an engine. */
export interface OpenEngineOptions {
  /** What the engine stamps by, unless it has an own clock. */
  readonly clock: Clock;
  readonly rules: Partial<LogRules>;
}

/** In what engines differ. */
export interface EngineTraits {
  readonly durability: Durability;
  /** Entries are stamped by the clock of a server: tests that set the clock are skipped. Default `false`. */
  readonly ownClock?: boolean;
  /** Opening takes long: tests that need no engine of their own share one. Default `false`. */
  readonly shareEngine?: boolean;
}

/** What a test may set about the engine that it gets. With any of these it is the test's own. */
export interface StartOptions {
  readonly place?: string;
  readonly clock?: Clock;
  readonly rules?: Partial<LogRules>;
}

/** 2001-09-09T01:46:40Z: where settable clocks start. */
export const START_MS = 1_000_000_000_000;

/** A clock that a test sets. What is scheduled on it never happens. */
export function settableClock(): Clock & { time: number } {
  const clock = { time: START_MS, now: () => clock.time, schedule: () => () => undefined };
  return clock;
}

export function freshChannelName(): ChannelName {
  return parseChannelName(`acme/tests/log-${toHex(fresh(6))}`);
}

export function freshAccount(): AccountId {
  return `account-${toHex(fresh(6))}` as AccountId;
}

/** What the conformance tests have in common: one kind of engine, and ways to get one. */
export class EngineSuite {
  readonly name: string;
  readonly traits: EngineTraits;
  readonly #open: OpenEngine;
  #shared: Promise<LogEngine> | undefined;
  #sharedPlace = '';

  constructor(name: string, open: OpenEngine, traits: EngineTraits) {
    this.name = name;
    this.traits = traits;
    this.#open = open;
    afterAll(async () => {
      await (await this.#shared)?.close();
      if (this.#sharedPlace !== '') await rm(this.#sharedPlace, { recursive: true, force: true });
    });
  }

  /** An engine that is closed when the test has finished, or the shared one. */
  async engine(options: StartOptions = {}): Promise<LogEngine> {
    if (this.traits.shareEngine === true && Object.keys(options).length === 0) return this.#sharedEngine();
    const { place = await temporaryDirectory(), clock = settableClock(), rules = {} } = options;
    const engine = await this.#open(place, { clock, rules });
    onTestFinished(() => engine.close());
    return engine;
  }

  /** A channel that nobody has used, on {@link engine}. */
  async channel(options: StartOptions = {}): Promise<TestChannel> {
    return new TestChannel(await this.engine(options), freshChannelName());
  }

  /** A channel whose engine can be restarted. */
  async restartable(options: StartOptions = {}): Promise<RestartableChannel> {
    const place = options.place ?? (await temporaryDirectory());
    const start = { ...options, place };
    return new RestartableChannel(await this.engine(start), freshChannelName(), place, () => this.engine(start));
  }

  /** A test of an engine that keeps its log when the process ends. */
  testRestart(behaviour: string, body: () => Promise<void>): void {
    testUnless(this.#noRestart, behaviour, body);
  }

  /** A test that sets the clock. */
  testClock(behaviour: string, body: () => Promise<void>): void {
    testUnless(this.#noClock, behaviour, body);
  }

  /** A test that sets the clock while the engine is closed. */
  testClockAndRestart(behaviour: string, body: () => Promise<void>): void {
    testUnless(this.#noRestart ?? this.#noClock, behaviour, body);
  }

  get #noRestart(): string | undefined {
    return this.traits.durability === 'process' ? 'the log ends with its process' : undefined;
  }

  get #noClock(): string | undefined {
    return this.traits.ownClock === true ? 'entries are stamped by the clock of a server' : undefined;
  }

  async #sharedEngine(): Promise<LogEngine> {
    this.#shared ??= mkdtemp(join(tmpdir(), 'skytale-relay-')).then((place) => {
      this.#sharedPlace = place;
      return this.#open(place, { clock: settableClock(), rules: {} });
    });
    return this.#shared;
  }
}

/** A channel whose engine is closed and opened again on the same log. */
export class RestartableChannel extends TestChannel {
  readonly place: string;
  readonly #reopen: () => Promise<LogEngine>;

  constructor(engine: LogEngine, channel: ChannelName, place: string, reopen: () => Promise<LogEngine>) {
    super(engine, channel);
    this.place = place;
    this.#reopen = reopen;
  }

  /** The same channel after a restart. */
  async restart(): Promise<TestChannel> {
    await this.engine.close();
    return new TestChannel(await this.#reopen(), this.channel);
  }
}

function testUnless(reason: string | undefined, behaviour: string, body: () => Promise<void>): void {
  test(behaviour, async (context) => {
    if (reason !== undefined) {
      console.log(`skipped: ${behaviour}: ${reason}`);
      context.skip(reason);
    }
    await body();
  });
}
