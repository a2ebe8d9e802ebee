import type { ChannelEvent } from '../../actors/channel/index.ts';
import type { Divergence } from './divergence.ts';
import { isFromOutside, recordedEvent } from '../tape/recorded-event.ts';
import { payloadDigest } from '../record/redactor.ts';
import type { Tape } from '../tape/tape.ts';
import type { TapeRecord } from '../tape/tape-record.ts';
import { fromTapeValue, type Json } from '../tape/tape-value.ts';

/**
 * - `exact`: everything that was shown is shown again, with the same times, and nothing else.
 * - `order`: the same messages come in the same order. For tapes of another version of the package, or of the agent.
 */
export type Expectation = 'exact' | 'order';

/** What an event comes down to where only the order counts. */
interface Essence {
  readonly seq: number;
  readonly payload: Json;
}

/** Compares what is shown with what was. Keeps the first difference. */
export class Comparison {
  readonly #expect: Expectation;
  /** Of events that are to be shown, oldest first. */
  readonly #expected: readonly TapeRecord[];
  readonly #pathTo: (record: number) => readonly TapeRecord[];
  readonly #lastRecord: number;
  #next = 0;
  #divergence: Divergence | undefined;
  #isOver = false;

  constructor({ header, records }: Tape, expect: Expectation, pathTo: (record: number) => readonly TapeRecord[]) {
    this.#expect = expect;
    // A plaintext tape is not computed again: what it shows is what stands on it.
    const isComputed = header.mode === 'wire';
    this.#expected = records.filter(
      (record) => isComputed && record.kind === 'emitted' && this.#counts(eventOf(record)),
    );
    this.#pathTo = pathTo;
    this.#lastRecord = records.length;
  }

  get divergence(): Divergence | undefined {
    return this.#divergence;
  }

  /** Whether everything that was recorded has been shown. */
  get isComplete(): boolean {
    return this.#next >= this.#expected.length;
  }

  /** How many events were as they should be. */
  get matched(): number {
    return this.#next;
  }

  shown(event: ChannelEvent): void {
    if (this.#isOver || this.#divergence !== undefined || !this.#counts(event)) return;
    const actual = recordedEvent(event, payloadDigest);
    const record = this.#expected[this.#next];
    if (record === undefined) {
      this.diverged(undefined, undefined, actual, `${describe(event)} was shown, which was not recorded`);
    } else if (this.#isSame(record.value, actual)) {
      this.#next += 1;
    } else {
      const detail = `${describe(event)} was shown, and ${describe(eventOf(record))} was recorded${difference(record.value, actual)}`;
      this.diverged(record.n, record.value, actual, detail);
    }
  }

  /** The tape is over. What has not been shown by now never will be. */
  conclude(): void {
    const record = this.#expected[this.#next];
    if (record !== undefined && this.#divergence === undefined) {
      this.diverged(record.n, record.value, undefined, `${describe(eventOf(record))} was recorded, and not shown`);
    }
    this.#isOver = true;
  }

  /** Whatever else is not as it was. Only the first counts. */
  diverged(number: number | undefined, expected: Json | undefined, actual: Json | undefined, detail: string): void {
    if (this.#isOver) return;
    const record = number ?? this.#lastRecord + 1;
    this.#divergence ??= { record, expected, actual, detail, path: this.#pathTo(record) };
  }

  #counts(event: ChannelEvent): boolean {
    return this.#expect === 'order' ? event.kind === 'message' : !isFromOutside(event);
  }

  #isSame(expected: Json, actual: Json): boolean {
    if (this.#expect === 'exact') return JSON.stringify(expected) === JSON.stringify(actual);
    const [before, now] = [expected, actual] as unknown as [Essence, Essence];
    return before.seq === now.seq && JSON.stringify(before.payload) === JSON.stringify(now.payload);
  }
}

function eventOf({ value }: TapeRecord): ChannelEvent {
  return fromTapeValue(value) as ChannelEvent;
}

function describe(event: ChannelEvent): string {
  if (event.kind === 'fault') return `the fault ${event.fault.kind}`;
  const seq = 'seq' in event ? ` at ${event.seq}` : '';
  return `${event.kind}${seq}`;
}

/** Which fields differ, where the two are of one kind. */
function difference(expected: Json, actual: Json): string {
  const [before, now] = [expected, actual] as unknown as [Record<string, Json>, Record<string, Json>];
  if (before['kind'] !== now['kind']) return '';
  const fields = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changed = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(now[field]));
  return `; they differ in ${changed.join(', ')}`;
}
