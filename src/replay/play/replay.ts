import type { SchedulerLike } from 'rxjs';
import { assembleChannel, type Channel } from '../../actors/channel/index.ts';
import { systemClock } from '../../base/clock.ts';
import { RuntimeError } from '../../base/errors.ts';
import { createMlsEngine, type MlsEngineOptions } from '../../mls/index.ts';
import { schedulerOf, yieldTurn } from '../../streams/index.ts';
import { SeededRandom } from '../world/seeded-random.ts';
import { letGoOn } from '../world/quiet.ts';
import { VirtualClock } from '../world/virtual-clock.ts';
import { AgentLife } from './agent-life.ts';
import { Comparison } from './comparison.ts';
import { type Divergence, ReplayDivergedError } from './divergence.ts';
import { PlaintextPlayer } from './plaintext-player.ts';
import type { Player } from './player.ts';
import { StrayTimers } from './stray-timers.ts';
import type { ReplayOptions, ReplayResult } from './replay-options.ts';
import type { Tape } from '../tape/tape.ts';
import { pathTo } from '../tape/tape-path.ts';
import { TapeFaultBoard, type TapeFaultCount } from './tape-fault.ts';
import type { TapeRecord } from '../tape/tape-record.ts';
import { RecordedCallIds } from './recorded-call-ids.ts';
import { startOf } from '../tape/tape-start.ts';
import { passTime } from './tape-time.ts';
import { WirePlayer } from './wire-player.ts';

/** The agent under test: it is given the channel before anything happens on it. */
export type AgentUnderTest = (channel$: Channel, run: Replay) => unknown;

/** What a {@link Replay} is made of. */
interface ReplayParts {
  readonly comparison: Comparison;
  readonly clock: VirtualClock;
  readonly channel$: Channel;
  readonly board: TapeFaultBoard;
  readonly stray: StrayTimers;
}

/** Records that a `plaintext` tape plays before the event loop gets a turn. */
const RECORDS_PER_TURN = 256;
/**
 * A channel that does again what it has done. It has the interface of a live one, and code that gets it cannot tell; its time is
 * the tape's.
 *
 * Nothing happens before {@link Replay.play} or one of its siblings is called, so that everybody can subscribe first.
 */
export class Replay {
  readonly tape: Tape;
  readonly channel$: Channel;
  /** The time of the tape. Give it to code that waits. */
  readonly clock: VirtualClock;
  /** The same for operators of RxJS: `debounceTime(100, run.scheduler)`. */
  readonly scheduler: SchedulerLike;
  readonly #player: Player;
  readonly #comparison: Comparison;
  readonly #board: TapeFaultBoard;
  readonly #stray: StrayTimers;
  readonly #speed: number | 'max';
  readonly #until: (next: TapeRecord) => boolean;
  #position = 0;
  #hasEnded = false;

  private constructor(tape: Tape, player: Player, parts: ReplayParts, options: ReplayOptions) {
    const { speed = 'max', until, strayTimers = 'fail' } = options;
    this.tape = tape;
    this.channel$ = parts.channel$;
    this.clock = parts.clock;
    this.scheduler = schedulerOf(parts.clock);
    this.#player = player;
    this.#comparison = parts.comparison;
    this.#board = parts.board;
    this.#stray = parts.stray;
    if (strayTimers === 'fail') this.#stray.onStray = (timer, where) => this.#isStray(timer, where);
    this.#speed = speed;
    this.#until = typeof until === 'number' ? ({ n }) => n > until : (until ?? (() => false));
  }

  /** See {@link replay}. */
  static async open(tape: Tape, options: ReplayOptions): Promise<Replay> {
    const { speed = 'max', expect = 'exact', mode, faults = [], silence = 'allow' } = options;
    if (speed !== 'max' && !(speed > 0)) {
      throw new RuntimeError('invalid_argument', `Expected \`speed\` to be max or a number above 0, got ${speed}.`);
    }
    if (mode !== undefined && mode !== tape.header.mode) {
      throw new RuntimeError(
        'invalid_argument',
        `Expected a tape of mode ${mode}, got one of mode ${tape.header.mode}.`,
      );
    }
    const board = new TapeFaultBoard(faults);
    const clock = new VirtualClock(tape.header.startedAtMs);
    const comparison = new Comparison(tape, expect, (record) => pathTo(tape, record));
    const stray = new StrayTimers();
    const random = new SeededRandom(1);
    const callIds = new RecordedCallIds(tape, random);
    const { channel: name } = tape.header;
    if (name === undefined) {
      throw new RuntimeError(
        'invalid_argument',
        'Expected a tape of a channel, got one of a system; see `replaySystem`.',
      );
    }
    if (tape.header.mode === 'plaintext') {
      const player = new PlaintextPlayer(tape, clock, comparison, board, silence);
      const channel$ = assembleChannel({
        name,
        self: player.self,
        idKey: new Uint8Array(32),
        mailbox: player.desk,
        core: player,
        clock,
        random,
        callIds,
      });
      return new Replay(tape, player, { comparison, clock, channel$, board, stray }, options);
    }
    if (faults.length > 0) {
      throw new RuntimeError(
        'invalid_argument',
        'A wire tape is computed again, so nothing can go wrong in it that did not; use a World with a fault plan.',
      );
    }
    const { suite } = startOf(tape) as { readonly suite: NonNullable<MlsEngineOptions['suite']> };
    const engine = await createMlsEngine({ ...options.engine, suite });
    // What the actor shows follows from here.
    const player = stray.within(() => new WirePlayer(tape, engine, comparison, silence));
    const { identity, desk: mailbox, core } = player;
    const channel$ = assembleChannel({ ...identity, mailbox, core, clock, random, callIds });
    return new Replay(tape, player, { comparison, clock, channel$, board, stray }, options);
  }

  /** Records that were played. */
  get position(): number {
    return this.#position;
  }

  /** The record that comes next; `undefined` at the end. */
  get next(): TapeRecord | undefined {
    return this.tape.records[this.#position];
  }

  /** What was planned to go wrong, and whether it has. */
  get faultCounts(): readonly TapeFaultCount[] {
    return this.#board.counts;
  }

  /** What differs from the recording so far. */
  get divergence(): Divergence | undefined {
    return this.#comparison.divergence;
  }

  /**
   * Plays what is left, or up to `until`, and ends the channel.
   *
   * @throws {@link ReplayDivergedError} `replay_diverged` at the first thing that is not as it was recorded
   */
  play(): Promise<ReplayResult> {
    return this.#stray.watch(() => this.#play());
  }

  /**
   * Plays as {@link Replay.play} does, for an agent that is started first. The agent may subscribe and return, or go on for as long as the
   * channel does, as a loop over messages. What it throws fails the replay, and so do its timers, from its first line on.
   *
   * @throws what the agent throws; {@link ReplayDivergedError} `replay_diverged`
   */
  meet(agent: AgentUnderTest): Promise<ReplayResult> {
    return this.#stray.watch(async () => {
      const life = new AgentLife(() => agent(this.channel$, this));
      try {
        await life.begun(() => this.#player.desk.isMet);
        return await this.#play();
      } finally {
        if (!this.#hasEnded) await this.stop(); // the agent failed before anything was played
        await life.ended();
      }
    });
  }

  async #play(): Promise<ReplayResult> {
    await this.runUntil(this.#until);
    for (const { kind, nth } of this.#board.unfired) {
      this.#comparison.diverged(undefined, undefined, undefined, `${kind} ${nth} was planned, and never happened`);
    }
    if (this.next !== undefined && this.divergence === undefined) await this.stop();
    else await this.#end();
    const { divergence, matched } = this.#comparison;
    if (divergence !== undefined) throw new ReplayDivergedError(divergence);
    return { records: this.#position, matched, divergence };
  }

  /** Plays one record, with a turn what belongs to it, and all that follows from it. Returns it; `undefined` at the end. */
  async step(): Promise<TapeRecord | undefined> {
    const record = this.next;
    if (record === undefined) return undefined;
    await this.#stray.watch(async () => {
      await this.#playNext(record);
      await this.#player.settled();
    });
    return record;
  }

  /** Plays up to record `n`, which is played as well, and all that follows from it. */
  async runTo(n: number): Promise<void> {
    await this.runUntil(({ n: next }) => next > n);
  }

  /**
   * Plays until `condition` holds for the record that comes next, or the tape is over or not met any more. Then all has happened
   * that follows from what was played.
   */
  runUntil(condition: (next: TapeRecord) => boolean): Promise<void> {
    return this.#stray.watch(() => this.#runUntil(condition));
  }

  async #runUntil(condition: (next: TapeRecord) => boolean): Promise<void> {
    const isWire = this.tape.header.mode === 'wire';
    for (let record = this.next; record !== undefined; record = this.next) {
      if (condition(record) || this.divergence !== undefined || this.#hasEnded) break;
      if (this.#speed !== 'max') await this.#pace(record.atMs, this.#speed);
      if (this.#player.desk.isHeld) await this.#readersCaughtUp();
      const played = this.#playNext(record);
      if (typeof played !== 'number') await played;
      else if (!isWire && this.#position % RECORDS_PER_TURN === 0) await yieldTurn();
    }
    await this.#player.settled();
  }

  /** Waits for readers that are behind, unless it may be the tape that they wait for: to answer, or to let time pass. */
  async #readersCaughtUp(): Promise<void> {
    const { desk } = this.#player;
    while (desk.isHeld) {
      await letGoOn();
      if (desk.isAwaiting || this.clock.nextMs !== undefined) return;
    }
  }

  /** Ends the channel where it is. What was recorded behind that is not missed. */
  async stop(): Promise<void> {
    await this.channel$.stop({ graceMs: 0 });
    this.#hasEnded = true;
  }

  #playNext(record: TapeRecord): number | Promise<number> {
    passTime(this.clock, record.atMs);
    const dueAtMs = this.#player.dueAtMs(record);
    // While it is held back, time goes on.
    if (dueAtMs > this.clock.elapsedMs && this.#speed !== 'max') {
      return this.#pace(dueAtMs, this.#speed).then(() => this.#playDue(record, dueAtMs));
    }
    return this.#playDue(record, dueAtMs);
  }

  #playDue(record: TapeRecord, dueAtMs: number): number | Promise<number> {
    passTime(this.clock, dueAtMs);
    const played = this.#player.play(record, this.#position);
    if (typeof played === 'number') {
      this.#position += played;
      return played;
    }
    return played.then((records) => {
      this.#position += records;
      return records;
    });
  }

  #isStray(timer: string, where: string): void {
    const { value } = this.tape.records[this.#position - 1] ?? {};
    const detail = `${timer} was called, and a replay has no time but that of \`run.clock\`: ${where}`;
    this.#comparison.diverged(this.#position, value, undefined, detail);
  }

  async #pace(atMs: number, speed: number): Promise<void> {
    const delayMs = (atMs - this.clock.elapsedMs) / speed;
    if (delayMs < 1) return;
    await new Promise<void>((resolve) => StrayTimers.allowed(() => void systemClock.schedule(delayMs, resolve)));
  }

  async #end(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#player.desk.conclude();
    await this.#player.end();
  }
}

/**
 * A channel from a tape. Subscribe to it, then let it play.
 *
 * @throws {@link RuntimeError} `invalid_argument`, `tape_damaged`
 *
 * @example
 * const run = await replay(await readTape('night.tape'));
 * run.channel$.pipe(filter(({ seq }) => seq > 100)).subscribe(handle);
 * await run.play();
 */
export function replay(tape: Tape, options: ReplayOptions = {}): Promise<Replay> {
  return Replay.open(tape, options);
}
