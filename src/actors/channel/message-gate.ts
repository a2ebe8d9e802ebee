import type { ChannelMessage } from './channel-event.ts';

/** Messages that a gate dropped because nobody had subscribed. */
export interface UnreadMessages {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly messages: number;
}

/**
 * Holds messages until somebody first asks for them, so that a channel which started to flow because of a `send` loses
 * nothing for the subscriber that comes a moment later. Bounded: what does not fit drops out at the old end, and is
 * reported. Once opened it holds nothing any more.
 */
export class MessageGate {
  readonly #capacity: number;
  readonly #capacityBytes: number;
  #held: ChannelMessage[] = [];
  #heldBytes = 0;
  #isOpen = false;

  constructor(capacity: number, capacityBytes: number) {
    this.#capacity = capacity;
    this.#capacityBytes = capacityBytes;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Keeps `message`, and tells which older ones had to go. Only while closed. */
  hold(message: ChannelMessage): UnreadMessages | undefined {
    this.#held.push(message);
    this.#heldBytes += message.payload.length;
    const dropped: ChannelMessage[] = [];
    while (this.#held.length > this.#capacity || this.#heldBytes > this.#capacityBytes) {
      const oldest = this.#held.shift();
      if (oldest === undefined) break;
      this.#heldBytes -= oldest.payload.length;
      dropped.push(oldest);
    }
    const [first] = dropped;
    const last = dropped.at(-1);
    if (first === undefined || last === undefined) return undefined;
    return { fromSeq: first.seq, toSeq: last.seq, messages: dropped.length };
  }

  /** Opens for good and hands over what was held, in order. */
  open(): readonly ChannelMessage[] {
    const held = this.#held;
    this.#isOpen = true;
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }
}
