import { Observable, Subject, type Subscription } from 'rxjs';
import type { Decision } from './child-options.ts';
import type { ActorSnapshot } from './inspection.ts';
import type { Letter } from './letter.ts';

/** @internal The children of an incarnation. */
export interface Offspring {
  stopAll(): Promise<void>;
  snapshot(): ActorSnapshot[];
}

/** @internal One life of an actor, from a start to the end that follows it. */
export class Incarnation<In> {
  readonly number: number;
  readonly inbox$: Observable<In>;
  readonly #inbox = new Subject<In>();
  /** Being delivered now. */
  current: Letter<In> | undefined;
  /** The work that has made the body fail, and what is to be done about it. */
  blame: { readonly letter: Letter<In> | undefined; readonly error: unknown; readonly decision: Decision } | undefined;
  children: Offspring | undefined;
  #subscription: Subscription | undefined;
  isOver = false;
  /** Messages whose work is under way, in the order of their delivery, with how much of it there is. */
  #underWay: Map<Letter<In>, number> | undefined;
  /** Operators that have as much under way as they may. */
  #busy = 0;
  #controller: AbortController | undefined;

  /** @param onListener called when somebody has subscribed to the inbox */
  constructor(number: number, onListener: () => void) {
    this.number = number;
    this.inbox$ = new Observable((subscriber) => {
      subscriber.add(this.#inbox.subscribe(subscriber));
      onListener();
    });
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isOver) this.#controller.abort();
    return this.#controller.signal;
  }

  /** Whether a message can be delivered now. */
  get isOpen(): boolean {
    return this.#busy === 0 && !this.isOver && this.#inbox.observed;
  }

  /** Messages under way. */
  get inFlight(): number {
    return this.#underWay?.size ?? 0;
  }

  /** Keeps the subscription to the body, to be ended with the incarnation. */
  hold(subscription: Subscription): void {
    if (this.isOver) subscription.unsubscribe();
    else this.#subscription = subscription;
  }

  deliver(letter: Letter<In>): void {
    this.current = letter;
    this.#inbox.next(letter.message);
    this.current = undefined;
  }

  /** No more messages will come. */
  completeInbox(): void {
    this.#inbox.complete();
  }

  /** Work on a letter begins. */
  begin(letter: Letter<In>): void {
    this.#underWay ??= new Map();
    this.#underWay.set(letter, (this.#underWay.get(letter) ?? 0) + 1);
  }

  /** Work on a letter is done. */
  finish(letter: Letter<In>): void {
    const parts = this.#underWay?.get(letter) ?? 0;
    if (parts > 1) this.#underWay?.set(letter, parts - 1);
    else this.#underWay?.delete(letter);
  }

  /** An operator takes no more, until {@link Incarnation.free}. */
  occupy(): void {
    this.#busy += 1;
  }

  free(): void {
    this.#busy -= 1;
  }

  /** Ends all that goes on, and returns the letters that were not finished, in the order of their delivery. */
  end(): Letter<In>[] {
    this.isOver = true;
    const open = [...(this.#underWay?.keys() ?? [])];
    if (this.current !== undefined && !open.includes(this.current)) open.push(this.current);
    this.#subscription?.unsubscribe();
    this.#underWay?.clear();
    this.#controller?.abort();
    return open;
  }
}
