import {
  ChannelActor,
  type ChannelInput,
  type ChannelCore,
  type ChannelTap,
  ownIdentity,
  TapSwitch,
} from '../../actors/channel/index.ts';
import { type ChannelRecord, decodeChannel, type MlsEngine, mlsGroupCodec } from '../../mls/index.ts';
import { yieldTurn } from '../../streams/index.ts';
import { isQuiet } from '../world/quiet.ts';
import type { Comparison } from './comparison.ts';
import { LiveDesk } from './live-desk.ts';
import { type InputParts, NOBODY, playedInput, playedSend } from './played-input.ts';
import { PlayedMailbox } from './played-mailbox.ts';
import { playedPorts } from './played-ports.ts';
import { PlayedTime } from './played-time.ts';
import { PlayedTransport } from './played-transport.ts';
import type { Player } from './player.ts';
import type { Tape } from '../tape/tape.ts';
import { TapeFaultBoard } from './tape-fault.ts';
import type { TapeRecord } from '../tape/tape-record.ts';
import { startOf } from '../tape/tape-start.ts';
import { WireScript } from './wire-script.ts';

/** Turns of the event loop in which nothing in this process has anything to do, before it is believed to wait for ever. */
const PATIENCE = 50;

/** How a channel was when its recording began. */
interface WireStart {
  readonly suite: string;
  readonly record: Uint8Array;
  readonly isFlowing: boolean;
  readonly link: number;
  readonly isConsumed: boolean;
  readonly holds: number;
  readonly canRejoin: boolean;
}

/** Lets an actor do again what it has done, with real MLS, on ports that answer as they had. */
export class WirePlayer implements Player {
  readonly core: ChannelCore;
  readonly desk: LiveDesk;
  /** Its owner's identity, and the key of its message ids. */
  readonly identity: Pick<ChannelRecord, 'name' | 'idKey'> & { readonly self: Uint8Array };
  readonly #records: readonly TapeRecord[];
  readonly #comparison: Comparison;
  readonly #mailbox: PlayedMailbox;
  readonly #time: PlayedTime;
  readonly #script: WireScript;
  readonly #inputs: InputParts;
  readonly #startMs: number;
  /** What had come before the recording began, and is no part of the record. */
  #first: readonly ChannelInput[];
  #isOver = false;
  #hasEnded = false;

  constructor(tape: Tape, engine: MlsEngine, comparison: Comparison, silence: 'allow' | 'fail') {
    const start = startOf(tape) as WireStart;
    const { startedAtMs } = tape.header;
    this.#records = tape.records;
    this.#comparison = comparison;
    this.#startMs = startedAtMs;
    this.#script = new WireScript(tape.records);
    this.#time = new PlayedTime(this.#script, startedAtMs);
    this.#mailbox = new PlayedMailbox(() => !this.#isOver && this.#time.turn < this.#script.turns);
    const transport = new PlayedTransport();
    const record = decodeChannel(start.record, mlsGroupCodec(engine));
    const { name, idKey } = record;
    this.identity = { name, idKey, self: ownIdentity(record) };
    const ports = playedPorts({
      engine,
      script: this.#script,
      time: this.#time,
      transport,
      canRejoin: start.canRejoin,
    });
    const tap = new TapSwitch();
    const actor = new ChannelActor(record, this.#mailbox, ports, tap);
    this.core = actor;
    void actor.done.then(() => (this.#hasEnded = true));
    this.desk = new LiveDesk(tape, actor.output, {
      comparison,
      board: new TapeFaultBoard([]),
      silence,
      stop: () => this.#stop(),
    });
    this.#inputs = {
      engine,
      mailbox: this.#mailbox,
      transport,
      baseLink: start.link,
      settle: (number, settlement) => this.desk.settle(number, settlement),
    };
    tap.listen(listener(comparison, this.#time));
    this.#first = firstInputs(start);
  }

  dueAtMs({ atMs }: TapeRecord): number {
    return atMs;
  }

  async play({ n, kind, atMs, value }: TapeRecord, index: number): Promise<number> {
    if (kind === 'stopped-now') this.core.stopNow();
    if (kind !== 'turn') return 1;
    const { inputs, sends } = value as { readonly inputs: number; readonly sends: number };
    const records = this.#records.slice(index + 1, index + 1 + inputs + sends);
    if (!(await this.#begin()) || !(await this.#isReady())) {
      const detail = 'the channel does not come to this turn: it waits for something that is not on the tape';
      if (!this.#hasEnded) this.#comparison.diverged(n, value, undefined, detail);
      return 1;
    }
    this.#time.advance(this.#startMs + atMs);
    const control = records.slice(0, inputs).flatMap((record) => playedInput(record, this.#inputs));
    this.#mailbox.deliver({ control, user: records.slice(inputs).map((record) => playedSend(record, this.#inputs)) });
    return 1 + records.length;
  }

  async settled(): Promise<void> {
    await this.#isReady();
    // What was written is shown in the actor's next turn at the latest; this is what follows from that in microtasks.
    await yieldTurn();
  }

  async end(): Promise<void> {
    await this.settled();
    this.#stop();
    await this.core.done;
    this.desk.close();
  }

  /** What had come before the recording began has a turn of its own. */
  async #begin(): Promise<boolean> {
    if (this.#first.length === 0) return true;
    if (!(await this.#isReady())) return false;
    this.#mailbox.deliver({ control: this.#first, user: [] });
    this.#first = [];
    return true;
  }

  /** What follows on the tape, if anything does, is not for a channel that is stopped. */
  #stop(): void {
    this.#isOver = true;
    this.#comparison.conclude();
    this.#time.end();
    this.core.stopNow();
    this.#mailbox.release();
  }

  /** Waits until the actor takes its next turn. False if it has terminated, or waits for something that is not on the tape. */
  async #isReady(): Promise<boolean> {
    for (let idle = 0; idle < PATIENCE; ) {
      if (this.#mailbox.isAwaited) return true;
      if (this.#hasEnded) return false;
      await yieldTurn();
      idle = isQuiet() ? idle + 1 : 0;
    }
    return false;
  }
}

function firstInputs({ isFlowing, isConsumed, holds }: WireStart): readonly ChannelInput[] {
  return [
    ...(isFlowing ? [{ kind: 'connect' } as const] : []),
    ...(isConsumed ? [{ kind: 'consume', consumer: NOBODY } as const] : []),
    ...Array.from({ length: holds }, () => ({ kind: 'hold' }) as const),
  ];
}

function listener(comparison: Comparison, time: PlayedTime): ChannelTap {
  return {
    turn: (turn) => turn,
    outcome: () => undefined,
    looking: () => time.looking(),
    emitted: (event) => comparison.shown(event),
    state: () => undefined,
    began: () => undefined,
    ended: () => undefined,
  };
}
