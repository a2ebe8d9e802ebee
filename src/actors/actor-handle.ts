import type { Observable } from 'rxjs';
import type { StateObservable } from '../streams/index.ts';
import type { ActorRef, AskOptions, ReplyTo, StopOptions } from './actor-ref.ts';
import type { Outside } from './anatomy.ts';
import { ask } from './ask.ts';
import { letterOf } from './letter.ts';
import type { Exit, Lifecycle } from './lifecycle.ts';

/** @internal The reference to an actor: what those may do who hold it. */
export class ActorHandle<In, Out> implements ActorRef<In, Out> {
  readonly #actor: Outside<In, Out>;

  constructor(actor: Outside<In, Out>) {
    this.#actor = actor;
  }

  get path(): string {
    return this.#actor.birth.path;
  }

  get ready(): Promise<void> {
    return this.#actor.ready;
  }

  get out$(): Observable<Out> {
    return this.#actor.out$;
  }

  get lifecycle$(): StateObservable<Lifecycle> {
    return this.#actor.lifecycle$;
  }

  get depth(): number {
    return this.#actor.depth;
  }

  tell(message: In): void {
    this.#actor.post(letterOf(message, this.#actor.birth.rules.mailbox));
  }

  put(message: In, signal?: AbortSignal): Promise<void> {
    return this.#actor.postWhenRoom(letterOf(message, this.#actor.birth.rules.mailbox), signal);
  }

  ask<R>(build: (reply: ReplyTo<R>) => In, options: AskOptions): Promise<R> {
    return ask(this.#actor, build, options);
  }

  stop(options?: StopOptions): Promise<Exit> {
    return this.#actor.stop(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
