import type { LogEntry } from '../../transport/index.ts';
import type { ChannelControl } from './channel-mailbox.ts';

/** Entries that are read, and written as one, before the event loop gets a turn. */
const INTAKE_BATCH = 64;

/** What the actor has taken from its mailbox and not handled yet. What belongs together is handled as one. */
export class ControlQueue {
  readonly #messages: ChannelControl[] = [];

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  push(messages: readonly ChannelControl[]): void {
    this.#messages.push(...messages);
  }

  /** Takes the next one. */
  shift(): ChannelControl | undefined {
    return this.#messages.shift();
  }

  /** Puts one back in front, to be handled again. */
  unshift(message: ChannelControl): void {
    this.#messages.unshift(message);
  }

  /** Takes all. */
  clear(): readonly ChannelControl[] {
    return this.#messages.splice(0);
  }

  /** `entries`, and those that wait right behind them as far as they fit into one batch. */
  gatherEntries(entries: readonly LogEntry[]): readonly LogEntry[] {
    const gathered = [...entries];
    for (let [next] = this.#messages; next?.kind === 'link' && next.event.kind === 'entries'; [next] = this.#messages) {
      if (gathered.length + next.event.entries.length > INTAKE_BATCH) break;
      gathered.push(...next.event.entries);
      this.#messages.shift();
    }
    return gathered;
  }

  /** `seq`, and those whose acknowledgements wait right behind its own. */
  gatherAcknowledged(seq: number): readonly number[] {
    const seqs = [seq];
    for (let [next] = this.#messages; next?.kind === 'acknowledge'; [next] = this.#messages) {
      seqs.push(next.seq);
      this.#messages.shift();
    }
    return seqs;
  }
}
