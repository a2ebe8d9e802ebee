import { RuntimeError } from '../base/errors.ts';
import type { Birth, Host } from './anatomy.ts';
import type { DeadLetterReason } from './dead-letter.ts';
import type { Letter } from './letter.ts';
import { LetterBox } from './letter-box.ts';

/** @internal An actor's letters, and what becomes of those that are not handled. */
export class ActorMailbox<In> {
  readonly #birth: Pick<Birth<In, unknown>, 'path' | 'rules'>;
  readonly #host: Host;
  /** Made with the first letter. */
  #box: LetterBox<In> | undefined;

  constructor(birth: Pick<Birth<In, unknown>, 'path' | 'rules'>, host: Host) {
    this.#birth = birth;
    this.#host = host;
  }

  get depth(): number {
    return this.#box?.depth ?? 0;
  }

  /** When the message that is next was put in, Unix ms; `undefined` if none waits. */
  get oldestSinceMs(): number | undefined {
    return this.#box?.next?.postedAtMs;
  }

  get stashed(): number {
    return this.#box?.stashed ?? 0;
  }

  /** Takes a letter if there is room, as the overflow policy says. False if the actor is to crash for lack of it. */
  add(letter: Letter<In>): boolean {
    const box = this.#open();
    letter.postedAtMs = this.#host.dispatcher.nowMs;
    if (box.offer(letter)) return true;
    const { overflow } = this.#birth.rules.mailbox;
    const oldest = overflow === 'dropOldest' ? box.dropOldest() : undefined;
    if (oldest !== undefined) this.bury(oldest, 'overflow');
    if (oldest === undefined || !box.offer(letter)) this.bury(letter, 'overflow');
    return overflow !== 'crash';
  }

  /** Takes a letter when there is room. Rejects with the signal's reason, or as {@link ActorMailbox.close} says. */
  async addWhenRoom(letter: Letter<In>, signal: AbortSignal | undefined): Promise<void> {
    const box = this.#open();
    letter.postedAtMs = this.#host.dispatcher.nowMs;
    if (!box.offer(letter)) await box.put(letter, signal);
  }

  next(): Letter<In> | undefined {
    return this.#box?.shift();
  }

  /** Puts what was not finished back in front. */
  restore(letters: readonly Letter<In>[]): void {
    if (letters.length > 0) this.#open().restore(letters);
  }

  /**
   * Counts a crash on a letter. True if it is out of the way from now on: because it has caused as many as it may, or because
   * the actor goes on without it.
   */
  blame(letter: Letter<In>, error: unknown, isSkipped: boolean): boolean {
    letter.crashes += 1;
    const isPoison = letter.crashes >= this.#birth.rules.mailbox.poisonAfter;
    if (isPoison || isSkipped) this.bury(letter, isPoison ? 'poison' : 'skipped', error);
    return isPoison || isSkipped;
  }

  /** @throws {@link RuntimeError} `mailbox_full`; `invalid_argument` without a letter */
  stash(letter: Letter<In> | undefined): void {
    if (letter === undefined) throw new RuntimeError('invalid_argument', 'no message is being delivered to stash');
    if (this.#open().stash(letter)) return;
    throw new RuntimeError('mailbox_full', `the stash of ${this.#birth.path} is full`);
  }

  unstash(): void {
    this.#box?.unstash();
  }

  /** Nobody handles the letter. */
  bury({ message, refuse }: Letter<In>, reason: DeadLetterReason, error?: unknown): void {
    refuse?.(reason);
    const { path } = this.#birth;
    this.#host.deadLetter({ reason, path, message, ...(error === undefined ? {} : { error }) });
  }

  /** Buries all that is left and refuses those who wait for room; returns how many letters there were. */
  close(refusal: () => Error): number {
    const left = this.#box?.clear(refusal) ?? [];
    for (const letter of left) this.bury(letter, 'stopped');
    return left.length;
  }

  #open(): LetterBox<In> {
    return (this.#box ??= new LetterBox(this.#birth.rules.mailbox));
  }
}
