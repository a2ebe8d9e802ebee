import type { Subscriber } from 'rxjs';
import { equalBytes } from '../../base/bytes.ts';
import { ChannelError, type SkytaleError } from '../../base/errors.ts';
import type { EpochChange, SendReceipt } from './channel-event.ts';
import type { ReplyEvent } from './exchange-event.ts';
import type { CheckedRequest, Reply } from './request-options.ts';
import type { Roster } from './roster.ts';

/** One try of a request, from its sending to its last reply. Knows when it is enough, and when it can be so no more. */
export class PendingRequest {
  readonly #subscriber: Subscriber<Reply>;
  readonly #options: CheckedRequest;
  readonly #roster: Roster;
  #replies = 0;
  #hasAskedAnybody = false;
  #lastFailure: SkytaleError | undefined;

  constructor(subscriber: Subscriber<Reply>, options: CheckedRequest, roster: Roster) {
    this.#subscriber = subscriber;
    this.#options = options;
    this.#roster = roster;
  }

  /** Whether somebody may still be at work on it. */
  get isWorkedOn(): boolean {
    return this.#roster.isSettled && !this.#roster.isEmpty;
  }

  /** The relay has stored the request. */
  stored({ epoch }: SendReceipt): void {
    const left = this.#roster.sentIn(epoch);
    const { to } = this.#options;
    for (const identity of this.#roster.waitedFor) if (!this.#isAsked(identity)) this.#roster.done(identity);
    const missing = to.length - this.#roster.waitedFor.length;
    if (to.length > 0 && missing > 0) this.#leftBehind('who was asked is no member of the group');
    else if (left.length > 0) this.#someLeft();
    else this.#checkHope();
    this.#hasAskedAnybody = true;
  }

  /** The group has changed. */
  changed(change: EpochChange): void {
    if (this.#roster.changed(change).some((identity) => this.#isAsked(identity))) this.#someLeft();
  }

  take({ kind: _, id: __, attempt: ___, ...reply }: ReplyEvent): void {
    const { payload, isLast, failure, ...arrival } = reply;
    if (isLast) this.#roster.done(reply.sender);
    if (payload !== undefined) {
      this.#replies += 1;
      this.#subscriber.next({ ...arrival, payload });
    }
    if (this.#replies >= this.#options.enough) this.#subscriber.complete();
    else if (failure !== undefined) this.#failed(failure);
    else if (isLast) this.#checkHope();
  }

  fail(error: SkytaleError): void {
    this.#subscriber.error(error);
  }

  get #needsAll(): boolean {
    return this.#options.enough === Infinity || this.#options.to.length > 0;
  }

  #isAsked(identity: Uint8Array): boolean {
    const { to } = this.#options;
    return to.length === 0 || to.some((asked) => equalBytes(asked, identity));
  }

  #failed(failure: string): void {
    this.#lastFailure = new ChannelError('request_failed', `the handler of a member failed: ${failure}`);
    if (this.#needsAll) this.fail(this.#lastFailure);
    else this.#checkHope();
  }

  #someLeft(): void {
    if (this.#needsAll) this.#leftBehind('a member that had still to reply is no member any more');
    else this.#checkHope();
  }

  #leftBehind(detail: string): void {
    this.fail(new ChannelError('responder_left', detail));
  }

  /** Whether there is anybody left who may reply. */
  #checkHope(): void {
    if (!this.#roster.isSettled || !this.#roster.isEmpty || this.#subscriber.closed) return;
    if (this.#options.enough === Infinity && this.#hasAskedAnybody) {
      this.#subscriber.complete();
      return;
    }
    const detail = `nobody is left to reply, after ${this.#replies} of the replies that were expected`;
    this.fail(this.#lastFailure ?? new ChannelError('request_failed', detail));
  }
}
