import type { Observable, Observer, Subscription } from 'rxjs';
import type { Decision } from './child-options.ts';
import { Inbox, type InboxOwner } from './inbox.ts';
import type { ActorSnapshot } from './inspection.ts';
import type { Letter } from './letter.ts';

/** @internal The children of an incarnation. */
export interface Offspring {
  stopAll(): Promise<void>;
  snapshot(): ActorSnapshot[];
}

/** @internal What an incarnation tells its actor. */
export interface IncarnationOwner<In, Out> extends InboxOwner {
  emit(value: Out): void;
  fail(incarnation: Incarnation<In, Out>, error: unknown): void;
  completed(incarnation: Incarnation<In, Out>): void;
}

/** @internal One life of an actor, from a start to the end that follows it. Observes what its body gives. */
export class Incarnation<In, Out = unknown> implements Observer<Out> {
  readonly number: number;
  readonly #owner: IncarnationOwner<In, Out>;
  readonly #inbox: Inbox<In>;
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

  constructor(number: number, owner: IncarnationOwner<In, Out>) {
    this.number = number;
    this.#owner = owner;
    this.#inbox = new Inbox(owner);
  }

  get inbox$(): Observable<In> {
    return this.#inbox.asObservable();
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

  /** Lives as long as the body does. */
  follow(output$: Observable<Out>): void {
    const subscription = output$.subscribe(this);
    if (this.isOver) subscription.unsubscribe();
    else this.#subscription = subscription;
  }

  next(value: Out): void {
    this.#owner.emit(value);
  }

  error(error: unknown): void {
    this.#owner.fail(this, error);
  }

  complete(): void {
    this.#owner.completed(this);
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
