import { RuntimeError } from '../base/errors.ts';
import { type StateObservable, StateSubject } from '../streams/index.ts';
import type { ActorRef, AnyRef } from './actor-ref.ts';

/** Actors by name, over the whole system. A name is free again when its actor has stopped. */
export interface Registry {
  /** Who has the name now. The types are the caller's word. */
  get<In = never, Out = unknown>(name: string): ActorRef<In, Out> | undefined;
  /** Who has the name, and who has it next. Replays the latest; completes when the system has ended. */
  watch<In = never, Out = unknown>(name: string): StateObservable<ActorRef<In, Out> | undefined>;
  /** The names in use, in the order of their registration. Replays the latest. */
  readonly names$: StateObservable<readonly string[]>;
}

/** @internal The registry, with what the system does to it. */
export class NameTable implements Registry {
  readonly #refs = new Map<string, AnyRef>();
  readonly #watched = new Map<string, StateSubject<AnyRef | undefined>>();
  readonly #names = new StateSubject<readonly string[]>([]);
  #isClosed = false;

  get names$(): StateObservable<readonly string[]> {
    return this.#names.asObservable();
  }

  get<In = never, Out = unknown>(name: string): ActorRef<In, Out> | undefined {
    return this.#refs.get(name) as ActorRef<In, Out> | undefined;
  }

  watch<In = never, Out = unknown>(name: string): StateObservable<ActorRef<In, Out> | undefined> {
    let subject = this.#watched.get(name);
    if (subject === undefined) {
      subject = new StateSubject<AnyRef | undefined>(this.#refs.get(name));
      if (this.#isClosed) subject.complete();
      else this.#watched.set(name, subject);
    }
    return subject.asObservable() as StateObservable<ActorRef<In, Out> | undefined>;
  }

  /** @throws {@link RuntimeError} `name_taken` */
  register(name: string, ref: AnyRef): void {
    if (this.#refs.has(name)) throw new RuntimeError('name_taken', `an actor is registered as "${name}" already`);
    this.#refs.set(name, ref);
    this.#changed(name);
  }

  /** Frees a name, if it is still that actor's. */
  release(name: string, ref: AnyRef): void {
    if (this.#refs.get(name) !== ref) return;
    this.#refs.delete(name);
    this.#changed(name);
  }

  close(): void {
    this.#isClosed = true;
    for (const subject of this.#watched.values()) subject.complete();
    this.#names.complete();
  }

  #changed(name: string): void {
    this.#names.next([...this.#refs.keys()]);
    this.#watched.get(name)?.next(this.#refs.get(name));
  }
}
