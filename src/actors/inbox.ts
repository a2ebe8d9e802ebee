import { Observable, type Subscriber } from 'rxjs';

/** @internal What an {@link Inbox} tells its actor. */
export interface InboxOwner {
  /** Somebody has subscribed. */
  listened(): void;
}

/**
 * @internal The messages of one incarnation on their way to its body. Subscribers come and go while messages are
 * delivered; one that comes during a delivery sees the next message.
 */
export class Inbox<In> {
  readonly #owner: InboxOwner;
  /** Replaced, never changed: whoever walks over it is not disturbed. */
  #listeners: readonly Subscriber<In>[] = [];
  #isComplete = false;

  constructor(owner: InboxOwner) {
    this.#owner = owner;
  }

  /** Whether anybody listens. */
  get observed(): boolean {
    return this.#listeners.some(({ closed }) => !closed);
  }

  /** Hot, no replay. */
  asObservable(): Observable<In> {
    return new Observable((subscriber) => {
      if (this.#isComplete) return subscriber.complete();
      // No teardown: a subscriber knows whether it has left, and to be told of it costs an array each.
      this.#listeners = [...this.#listeners.filter(({ closed }) => !closed), subscriber];
      this.#owner.listened();
    });
  }

  next(message: In): void {
    for (const listener of this.#listeners) listener.next(message);
  }

  /** Completes all subscribers, now and later. */
  complete(): void {
    this.#isComplete = true;
    for (const listener of this.#listeners) listener.complete();
    this.#listeners = [];
  }
}
