import { type Observable, Subject } from 'rxjs';
import { Trampoline } from './trampoline.ts';

/**
 * A subject that gives all subscribers one order, also when one of them calls {@link OrderedSubject.next} from inside
 * its handler: that value waits until the value under way has reached everyone. With a plain `Subject` the later
 * subscribers would see the answer before the question.
 *
 * Hot, no replay; never errors. A subscriber that joins during a delivery does not see the value under way, but does see
 * the values that wait behind it. A subscriber that throws is reported to the host, as RxJS does, and the others go on.
 * A handler that answers every value with another one never lets the turn end.
 *
 * @example
 * const events = new OrderedSubject<string>();
 * const seen: string[] = [];
 * events.asObservable().subscribe((event) => {
 *   if (event === 'join') events.next('ack');
 * });
 * events.asObservable().subscribe((event) => seen.push(event));
 * events.next('join');
 * assert.deepEqual(seen, ['join', 'ack']);
 */
export class OrderedSubject<T> {
  readonly #subject = new Subject<T>();
  readonly #values$ = this.#subject.asObservable();
  readonly #turns = new Trampoline();
  #isEnded = false;

  /** Whether anyone is subscribed. */
  get observed(): boolean {
    return this.#subject.observed;
  }

  /** Delivers `value` to all subscribers, after the values handed in before. Ignored after {@link OrderedSubject.complete}. */
  next(value: T): void {
    if (this.#isEnded) return;
    this.#turns.run(() => this.#subject.next(value));
  }

  /** Completes all subscribers, now and later, after the values handed in before. Idempotent. */
  complete(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#turns.run(() => this.#subject.complete());
  }

  /** The values. Hot, no replay; completes after {@link OrderedSubject.complete}; never errors. */
  asObservable(): Observable<T> {
    return this.#values$;
  }
}
