import { checkInteger } from '../base/check.ts';
import { Fifo } from '../streams/index.ts';
import type { Letter } from './letter.ts';
import { type Guest, WaitingRoom } from './waiting-room.ts';

/** What becomes of a message that finds the mailbox full. All of them are visible: as dead letter or as crash. */
export type Overflow = 'dropNewest' | 'dropOldest' | 'crash';

/** How much may wait in front of an actor. */
export interface ActorMailboxOptions {
  /** Messages, at least 1. Default 1024. */
  readonly maxMessages?: number;
  /** Bytes of messages, at least 1. Default 8 MiB. One that is larger is let in when it is alone. */
  readonly maxBytes?: number;
  /** Bytes that a message counts for. Default: the length of byte strings and twice that of strings, 0 for anything else. */
  readonly sizeOf?: (message: never) => number;
  /** What a `tell` does that finds it full. Default `dropNewest`; `put` waits instead. */
  readonly overflow?: Overflow;
  /** Messages that the actor may set aside with `stash`, at least 1. Default 256. */
  readonly maxStashed?: number;
  /** Crashes on one message after which it becomes a dead letter, at least 1. Default 2. */
  readonly poisonAfter?: number;
}

/** @internal {@link ActorMailboxOptions}, checked and complete. */
export type MailboxLimits = Required<Omit<ActorMailboxOptions, 'sizeOf'>> & {
  readonly sizeOf: (message: unknown) => number;
};

/** @internal @throws {@link RuntimeError} `invalid_argument` */
export function checkMailbox(options: ActorMailboxOptions): MailboxLimits {
  return {
    maxMessages: checkInteger('mailbox.maxMessages', options.maxMessages ?? 1024, 1),
    maxBytes: checkInteger('mailbox.maxBytes', options.maxBytes ?? 8 * 1024 * 1024, 1),
    sizeOf: (options.sizeOf as ((message: unknown) => number) | undefined) ?? plainSize,
    overflow: options.overflow ?? 'dropNewest',
    maxStashed: checkInteger('mailbox.maxStashed', options.maxStashed ?? 256, 1),
    poisonAfter: checkInteger('mailbox.poisonAfter', options.poisonAfter ?? 2, 1),
  };
}

function plainSize(message: unknown): number {
  if (typeof message === 'string') return message.length * 2;
  return ArrayBuffer.isView(message) ? message.byteLength : 0;
}

/**
 * @internal The messages in front of one actor, in order. What an actor could not finish goes back to the front; those who
 * wait for room are let in behind.
 */
export class LetterBox<In> {
  readonly #limits: MailboxLimits;
  /** Given back or taken out of the stash: before all others, the next one last. */
  readonly #front: Letter<In>[] = [];
  readonly #letters = new Fifo<Letter<In>>();
  #bytes = 0;
  #stash: Letter<In>[] | undefined;
  #waitingRoom: WaitingRoom<Letter<In>> | undefined;

  constructor(limits: MailboxLimits) {
    this.#limits = limits;
  }

  /** Messages that wait for their turn. */
  get depth(): number {
    return this.#front.length + this.#letters.length;
  }

  /** The letter whose turn is next. */
  get next(): Letter<In> | undefined {
    return this.#front.at(-1) ?? this.#letters.peek();
  }

  /** Messages that were set aside. */
  get stashed(): number {
    return this.#stash?.length ?? 0;
  }

  /** Adds a letter if there is room, and nobody waits for room before it. */
  offer(letter: Letter<In>): boolean {
    if (this.#waitingRoom !== undefined && this.#waitingRoom.size > 0) return false;
    return this.#admit(letter);
  }

  /** Makes room by taking out the oldest. */
  dropOldest(): Letter<In> | undefined {
    return this.#letters.length === 0 ? undefined : this.#count(this.#letters.shift());
  }

  /** Waits for room. Rejects with the signal's reason, or with the error of {@link LetterBox.clear}. */
  put(letter: Letter<In>, signal: AbortSignal | undefined): Promise<void> {
    this.#waitingRoom ??= new WaitingRoom();
    const guest: Guest<Letter<In>> = { message: letter, bytes: letter.bytes };
    return this.#waitingRoom.wait(guest, signal, () => this.#admitWaiting());
  }

  /** Takes out the next letter. */
  shift(): Letter<In> | undefined {
    const letter = this.#front.pop() ?? this.#letters.shift();
    if (letter === undefined) return undefined;
    this.#count(letter);
    if (this.#waitingRoom !== undefined) this.#admitWaiting();
    return letter;
  }

  /** Puts letters back in front of all others, in their order. They may exceed the limits: they were in before. */
  restore(letters: readonly Letter<In>[]): void {
    for (const letter of [...letters].reverse()) {
      this.#front.push(letter);
      this.#bytes += letter.bytes;
    }
  }

  /** Sets a letter aside; false if there is no more room for it. */
  stash(letter: Letter<In>): boolean {
    if (this.stashed >= this.#limits.maxStashed) return false;
    (this.#stash ??= []).push(letter);
    return true;
  }

  /** Puts what was set aside in front of all others, in its order. */
  unstash(): void {
    this.restore(this.#stash ?? []);
    this.#stash = undefined;
  }

  /** Takes out all letters, those in the stash first, and refuses those who wait for room. */
  clear(refusal: () => Error): Letter<In>[] {
    const left = [...(this.#stash ?? []), ...this.#front.reverse(), ...this.#letters.clear()];
    this.#stash = undefined;
    this.#front.length = 0;
    this.#bytes = 0;
    this.#waitingRoom?.refuseAll(refusal);
    return left;
  }

  #admit(letter: Letter<In>): boolean {
    const { maxMessages, maxBytes } = this.#limits;
    const { depth } = this;
    if (depth > 0 && (depth >= maxMessages || this.#bytes + letter.bytes > maxBytes)) return false;
    this.#letters.push(letter);
    this.#bytes += letter.bytes;
    return true;
  }

  #admitWaiting(): void {
    this.#waitingRoom?.admitWhile(({ message }) => this.#admit(message));
  }

  #count(letter: Letter<In> | undefined): Letter<In> | undefined {
    if (letter !== undefined) this.#bytes -= letter.bytes;
    return letter;
  }
}
