import type { Observable, Observer } from 'rxjs';
import type { StateObservable } from '../streams/index.ts';
import type { Exit, Lifecycle } from './lifecycle.ts';

/** How an actor is stopped. */
export interface StopOptions {
  /** Handle what is in the mailbox first, and take nothing new. Default `false`: what waits becomes dead letters. */
  readonly drain?: boolean;
  /** Time for what is under way (and, with `drain`, for what waits), in ms. Default: that of the actor's spec, 5000. */
  readonly graceMs?: number;
}

/** Options of {@link ActorRef.ask}. */
export interface AskOptions {
  /** How long to wait for the answer. Milliseconds, at least 1; there is no default, because no wait may last for ever. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Takes the answer to one {@link ActorRef.ask}. Whatever comes after the first word is a dead letter. */
export type ReplyTo<R> = Pick<Observer<R>, 'next' | 'error'>;

/**
 * The handle of an actor. Stays the same, with all its subscriptions, when the actor is restarted; a new actor under the
 * same path has a new one.
 */
export interface ActorRef<In = never, Out = unknown> extends AsyncDisposable {
  /** Place in the tree: `/swarm/worker-1`. */
  readonly path: string;
  /**
   * Resolves when the actor runs for the first time. Rejects with its error if its first start fails, and with
   * `actor_stopped` if it is stopped before.
   */
  readonly ready: Promise<void>;
  /** What the body emits. Hot, no replay; lasts over restarts; completes when the actor has stopped; never errors. */
  readonly out$: Observable<Out>;
  /** Where the actor is in its life. Replays the latest, also after the end; completes when it has stopped. */
  readonly lifecycle$: StateObservable<Lifecycle>;
  /** Messages that wait for their turn. */
  readonly depth: number;
  /**
   * Hands the actor a message, in order after those of the same caller. Never throws: one that is not handled (the mailbox
   * is full, the actor has stopped) is a dead letter.
   */
  tell(message: In): void;
  /**
   * As {@link ActorRef.tell}, but waits while the mailbox is full. Resolves when the message is in it.
   *
   * @throws {@link RuntimeError} `actor_stopped` if the actor stops before, or the signal's reason.
   */
  put(message: In, signal?: AbortSignal): Promise<void>;
  /**
   * Hands the actor a message that it answers.
   *
   * @param build makes the message around the place for the answer
   * @throws {@link RuntimeError} `ask_timeout` if no answer came in time; `actor_stopped` at once when the actor stops;
   * `mailbox_full` or `message_poisoned` if the message becomes a dead letter. The error with which the actor answers. The
   * signal's reason.
   *
   * @example
   * const total = await workerRef.ask<number>((reply) => ({ kind: 'get', reply }), { timeoutMs: 1000 });
   */
  ask<R>(build: (reply: ReplyTo<R>) => In, options: AskOptions): Promise<R>;
  /** Stops the actor and its children, which comes first; resolves when all is over. Idempotent. */
  stop(options?: StopOptions): Promise<Exit>;
}

/** A reference whatever it takes and gives: for watching, and for names. */
export type AnyRef = ActorRef;
