import { filter, firstValueFrom, merge, of, Subject } from 'rxjs';
import { Child } from './child.ts';

/**
 * Where the demo starts its processes and waits for them. What goes wrong anywhere ends every wait, now and later.
 *
 * @example
 * const bob = stage.start<ToAgent, FromAgent>('bob', 'agent-process', brief);
 * bob.messages$.subscribe(() => stage.changed());
 * await stage.until('bob has everything', () => progress.isDone);
 */
export class Stage {
  readonly #changes$ = new Subject<void>();
  readonly #children = new Set<{ kill(): Promise<void> }>();
  readonly #witnesses: (() => string)[] = [];
  #waitsFor = 'nothing';

  /** Starts a process; see {@link Child}. It does not outlive {@link Stage.clear}. */
  start<To extends object, From>(name: string, program: string, brief: object): Child<To, From> {
    const child = new Child<To, From>(name, program, brief, (error) => this.fail(error));
    this.#children.add(child);
    void child.ended.then(() => {
      this.#children.delete(child);
      this.changed();
    });
    return child;
  }

  /** Asks `witness` how things are when {@link Stage.describe} is called. */
  addWitness(witness: () => string): void {
    this.#witnesses.push(witness);
  }

  /** What was waited for last, and how things are: to find out why nothing moves. */
  describe(): string {
    return [`waited until ${this.#waitsFor}`, ...this.#witnesses.map((witness) => witness())].join('\n');
  }

  /** Something has changed: conditions are looked at again. */
  changed(): void {
    this.#changes$.next();
  }

  /** Nothing can become of it any more. The first reason counts. */
  fail(error: Error): void {
    this.#changes$.error(error);
  }

  /**
   * Waits until a condition holds.
   *
   * @param what the condition in words: `bob has line 40`
   * @throws what {@link Stage.fail} was called with
   */
  async until(what: string, condition: () => boolean): Promise<void> {
    this.#waitsFor = what;
    await firstValueFrom(merge(this.#changes$, of(undefined)).pipe(filter(condition)));
  }

  /** Kills what still runs. Resolves when nothing does. */
  async clear(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.kill()));
  }
}
