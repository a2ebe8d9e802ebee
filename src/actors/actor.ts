import type { Observable, ObservableInput, OperatorFunction } from 'rxjs';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { ActorRef, AnyRef } from './actor-ref.ts';
import type { SpawnOptions } from './child-options.ts';
import type { Exit } from './lifecycle.ts';
import type { Nothing } from './result-stream.ts';
import type { Registry } from './registry.ts';

/**
 * The whole idea: an actor is a function from an inbox to a stream. `error` is a crash, `complete` a normal exit, a value
 * is output. An async function completes when it returns.
 *
 * `inbox$` is hot and delivers while somebody is subscribed; until then messages wait in the mailbox, so a body may do
 * asynchronous work first. It completes when the actor is told to stop. A message whose synchronous delivery makes the
 * stream fail is delivered again to the next incarnation; for asynchronous work use {@link ActorContext.handle}.
 */
export type ActorBody<In, Out, Input> = (
  inbox$: Observable<In>,
  context: ActorContext<Input, In>,
) => ObservableInput<Out> | PromiseLike<Nothing>;

/** What a body is given beside its inbox. Made anew for each incarnation. */
export interface ActorContext<Input = void, In = never> {
  /** The input of the spec: the same for every incarnation. */
  readonly input: Input;
  readonly id: string;
  readonly path: string;
  /** 1 for the first start. */
  readonly incarnation: number;
  readonly self: ActorRef<In>;
  /** Aborted when this incarnation is over. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly registry: Registry;
  /**
   * Starts a child. It is restarted by itself (`oneForOne`) and stopped, the latest first, when this incarnation is over.
   *
   * @throws {@link RuntimeError} `name_taken` if a child with this id is there; `actor_stopped` if the incarnation is over.
   */
  readonly spawn: Spawn;
  /** Emits how an actor ended, and completes; at once if it has. */
  readonly watch: (ref: AnyRef) => Observable<Exit>;
  /**
   * An operator for asynchronous work on messages: calls `work` for each, at most `concurrency` (default 1) at once, and emits
   * what it gives, as `mergeMap` does. While so many are under way the mailbox hands out no more, so nothing piles up
   * inside. A message counts as handled when its work is done: after a crash, those that were under way are delivered again,
   * and the one whose work failed is set aside after `poisonAfter` crashes. If `decide` says `resume`, it becomes a
   * dead letter and the stream goes on.
   *
   * @example
   * const fetcher = defineActor<string, Response>((inbox$, { handle }) => inbox$.pipe(handle((url) => fetch(url))));
   */
  readonly handle: Handle;
  /**
   * Sets the message that is being delivered aside, until {@link ActorContext.unstash}. Survives a restart.
   *
   * @throws {@link RuntimeError} `mailbox_full` if the stash is full, `invalid_argument` if no message is being delivered.
   */
  readonly stash: () => void;
  /** Puts all that was set aside back in front of the mailbox, in its order. */
  readonly unstash: () => void;
}

/**
 * Asynchronous work on messages; see {@link ActorContext.handle}. What the work gives is emitted; a promise of nothing, and
 * nothing, is work without output.
 */
export type Handle = <T, R = never>(
  work: (message: T) => ObservableInput<R> | Nothing,
  options?: HandleOptions,
) => OperatorFunction<T, R extends Nothing ? never : R>;

/** Starts a child. */
export type Spawn = <In, Out, Input>(
  logic: ActorLogic<In, Out, Input>,
  options: SpawnOptions<Input>,
) => ActorRef<In, Out>;

/** Options of {@link Handle}. */
export interface HandleOptions {
  /** Messages that may be under way at once, at least 1. Default 1. */
  readonly concurrency?: number;
}

/** What an actor does, apart from where and how often it runs. Make it with {@link defineActor}. */
export interface ActorLogic<In, Out, Input = void> {
  readonly body: ActorBody<In, Out, Input>;
}

/**
 * Defines an actor. An actor that fails is restarted with backoff (`restart: 'transient'`), up to its restart intensity;
 * one that completes stays down.
 *
 * @example
 * const echo = defineActor<string, string>((inbox$) => inbox$.pipe(map((text) => text.toUpperCase())));
 *
 * await using system = createSystem();
 * const ref = system.spawn(echo, { id: 'echo' });
 * ref.out$.subscribe((text) => console.log(text));
 * ref.tell('hello');
 */
export function defineActor<In, Out = never, Input = void>(
  body: ActorBody<In, Out, Input>,
): ActorLogic<In, Out, Input> {
  return { body };
}
