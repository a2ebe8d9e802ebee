import type { Observable, Subscription } from 'rxjs';

/** Everything that a stream has emitted, and a way to wait for what it will. */
export class Recording<T> {
  readonly events: T[] = [];
  readonly #subscription: Subscription;
  readonly #waiting = new Set<() => void>();
  #end: 'open' | 'completed' | { readonly error: unknown } = 'open';

  constructor(source$: Observable<T>) {
    this.#subscription = source$.subscribe({
      next: (event) => {
        this.events.push(event);
        this.#check();
      },
      error: (error: unknown) => {
        this.#end = { error };
        this.#check();
      },
      complete: () => {
        this.#end = 'completed';
        this.#check();
      },
    });
  }

  get end(): 'open' | 'completed' | { readonly error: unknown } {
    return this.#end;
  }

  /** Resolves as soon as `condition` holds for all that was emitted so far. */
  until(condition: (events: readonly T[], end: Recording<T>['end']) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition(this.events, this.#end)) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }

  #check(): void {
    for (const check of [...this.#waiting]) check();
  }
}
