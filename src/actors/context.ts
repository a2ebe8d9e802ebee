import type { Observable, ObservableInput } from 'rxjs';
import type { Clock } from '../base/clock.ts';
import { RuntimeError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { ActorContext, Handle, HandleOptions, Spawn } from './actor.ts';
import type { ActorRef, AnyRef } from './actor-ref.ts';
import type { Inside } from './anatomy.ts';
import { createHandle } from './handle.ts';
import type { Incarnation } from './incarnation.ts';
import type { Exit } from './lifecycle.ts';
import type { Registry } from './registry.ts';
import { type FamilyRules, Siblings } from './siblings.ts';
import { watch } from './watch.ts';

/** @internal The context of one incarnation. Methods are bound, because bodies take them apart. */
export class Context<Input, In> implements ActorContext<Input, In> {
  readonly #actor: Inside<In>;
  readonly #incarnation: Incarnation<In>;
  #children: Siblings | undefined;

  constructor(actor: Inside<In>, incarnation: Incarnation<In>) {
    this.#actor = actor;
    this.#incarnation = incarnation;
  }

  get input(): Input {
    return this.#actor.birth.input as Input;
  }

  get id(): string {
    return this.#actor.birth.id;
  }

  get path(): string {
    return this.#actor.birth.path;
  }

  get incarnation(): number {
    return this.#incarnation.number;
  }

  get self(): ActorRef<In> {
    return this.#actor.ref;
  }

  get signal(): AbortSignal {
    return this.#incarnation.signal;
  }

  get clock(): Clock {
    return this.#actor.host.clock;
  }

  get random(): Random {
    return this.#actor.host.random;
  }

  get registry(): Registry {
    return this.#actor.host.registry;
  }

  // Getters that return functions, so that they can be taken out of the context and an idle actor keeps none of them.
  get spawn(): Spawn {
    return (logic, options) => (this.#children ?? this.openFamily({})).spawn({ logic, options }).ref;
  }

  get watch(): (ref: AnyRef) => Observable<Exit> {
    return watch;
  }

  get handle(): Handle {
    const actor = this.#actor;
    const incarnation = this.#incarnation;
    const owner = {
      incarnation,
      survives: (letter: Parameters<typeof actor.survives>[1], error: unknown) =>
        actor.survives(incarnation, letter, error),
      progressed: () => actor.progressed(),
    };
    return ((work: (message: unknown) => ObservableInput<unknown> | undefined, options?: HandleOptions) =>
      createHandle(owner, work, options)) as Handle;
  }

  get stash(): () => void {
    return () => this.#actor.stash();
  }

  get unstash(): () => void {
    return () => this.#actor.unstash();
  }

  /** How the children of this incarnation hang together; before the first of them. */
  openFamily(rules: Partial<FamilyRules>): Siblings {
    if (this.#incarnation.isOver) throw new RuntimeError('actor_stopped', `${this.path} is not running`);
    this.#children = new Siblings(this.#actor.host, this.path, {
      strategy: 'oneForOne',
      autoShutdown: 'never',
      isStrict: false,
      escalate: (error) => this.#actor.fail(this.#incarnation, error),
      shutDown: () => undefined,
      ...rules,
    });
    this.#incarnation.children = this.#children;
    return this.#children;
  }
}
