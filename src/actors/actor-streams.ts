import type { Observable } from 'rxjs';
import { OrderedSubject, type StateObservable, StateSubject } from '../streams/index.ts';
import type { Lifecycle } from './lifecycle.ts';

/** How a first start has ended. */
interface Start {
  readonly error: Error | undefined;
}

/** Shared by all whose start went well. */
const RUNS: Start = { error: undefined };

/**
 * @internal What can be watched of an actor. The subjects are made when somebody asks for them: most actors of a swarm are
 * never watched, and there may be many.
 */
export class ActorStreams<Out> {
  #state: Lifecycle = { kind: 'starting', incarnation: 0 };
  #out: OrderedSubject<Out> | undefined;
  #lifecycle: StateSubject<Lifecycle> | undefined;
  #ready: { readonly promise: Promise<void>; readonly settle: (error?: Error) => void } | undefined;
  /** How `ready` has settled, or would have. */
  #start: Start | undefined;

  get state(): Lifecycle {
    return this.#state;
  }

  get out$(): Observable<Out> {
    if (this.#out === undefined) {
      this.#out = new OrderedSubject();
      if (this.#state.kind === 'stopped') this.#out.complete();
    }
    return this.#out.asObservable();
  }

  get lifecycle$(): StateObservable<Lifecycle> {
    if (this.#lifecycle === undefined) {
      this.#lifecycle = new StateSubject(this.#state);
      if (this.#state.kind === 'stopped') this.#lifecycle.complete();
    }
    return this.#lifecycle.asObservable();
  }

  get ready(): Promise<void> {
    if (this.#ready === undefined) {
      let settle: (error?: Error) => void = () => undefined;
      const promise = new Promise<void>((resolve, reject) => {
        settle = (error) => (error === undefined ? resolve() : reject(error));
      });
      promise.catch(() => undefined); // whoever awaits it sees it
      this.#ready = { promise, settle };
      if (this.#start !== undefined) settle(this.#start.error);
    }
    return this.#ready.promise;
  }

  emit(value: Out): void {
    this.#out?.next(value);
  }

  become(state: Lifecycle): void {
    this.#state = state;
    this.#lifecycle?.next(state);
  }

  /** The first start is over, well if without a `failure`. Later calls change nothing. */
  started(failure?: () => Error): void {
    if (this.#start !== undefined) return;
    this.#start = failure === undefined ? RUNS : { error: failure() };
    this.#ready?.settle(this.#start.error);
  }

  complete(): void {
    this.#lifecycle?.complete();
    this.#out?.complete();
  }
}
