import type { Observable } from 'rxjs';
import type { StateObservable } from '../streams/index.ts';
import type { ActorContext, ActorLogic } from './actor.ts';
import type { ActorRef, StopOptions } from './actor-ref.ts';
import type { Decision, LifeRules } from './child-options.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Incarnation } from './incarnation.ts';
import type { ActorSnapshot, Happening } from './inspection.ts';
import type { Letter } from './letter.ts';
import type { Exit, Lifecycle } from './lifecycle.ts';
import type { NameTable } from './registry.ts';

// How the parts of the runtime see each other. An actor's cell stands in the middle; its handle, its context and its
// siblings each know one side of it, and none of them knows another.

/** @internal What an actor is made of. */
export interface Birth<In, Out> {
  readonly id: string;
  readonly path: string;
  readonly logic: ActorLogic<In, Out, never>;
  readonly input: unknown;
  readonly rules: LifeRules;
  readonly name: string | undefined;
}

/** @internal What all actors of a system share. */
export interface Host {
  readonly clock: Clock;
  readonly random: Random;
  readonly dispatcher: Dispatcher;
  readonly registry: NameTable;
  contextOf<In>(actor: Inside<In>, incarnation: Incarnation<In>): ActorContext<never, In>;
  /** Builds the event only if somebody watches. */
  inspect(happening: () => Happening): void;
  deadLetter(letter: DeadLetter): void;
  /** Once for every crash. */
  crashed(path: string, incarnation: number, error: unknown): void;
  /** An actor ended with work undone. */
  abandoned(path: string, inFlight: number, queued: number): void;
}

/** @internal An actor as those see it who hold its reference. */
export interface Outside<In, Out> {
  readonly birth: Birth<In, Out>;
  readonly host: Host;
  readonly ready: Promise<void>;
  readonly out$: Observable<Out>;
  readonly lifecycle$: StateObservable<Lifecycle>;
  readonly depth: number;
  /** Takes a letter, or makes it a dead letter. */
  post(letter: Letter<In>): void;
  postWhenRoom(letter: Letter<In>, signal: AbortSignal | undefined): Promise<void>;
  stop(options?: StopOptions): Promise<Exit>;
  /** Calls `task` when the actor has stopped; the returned function takes that back. */
  onStopped(task: () => void): () => void;
}

/** @internal An actor as its own body sees it. */
export interface Inside<In> {
  readonly birth: Birth<In, unknown>;
  readonly host: Host;
  readonly ref: ActorRef<In>;
  stash(): void;
  unstash(): void;
  /** Whether the body goes on after work on a message has failed inside of `handle`. */
  survives(incarnation: Incarnation<In>, letter: Letter<In> | undefined, error: unknown): boolean;
  /** A message is done. */
  progressed(): void;
  /** The body fails because of something beside its own stream: a child that it may not outlive. */
  fail(incarnation: Incarnation<In>, error: unknown): void;
}

/** @internal An actor as its siblings see it. */
export interface Member {
  readonly birth: Birth<never, unknown>;
  readonly ref: ActorRef;
  /** The error of a first start that failed. */
  readonly startError: { readonly error: unknown } | undefined;
  /** The errors that count for its budget, oldest first. */
  readonly recentErrors: readonly unknown[];
  /** Counts a crash; false if it was one too many. */
  mayRestart(error: unknown): boolean;
  /** How long to wait before the next start. */
  nextDelayMs(): number;
  /** Shows that the actor will be started again. */
  backOff(error: unknown, restartInMs: number): void;
  /** Invokes the body. */
  start(): void;
  /** Invokes the body again after its backoff. */
  startLater(error: unknown): void;
  /** Ends this incarnation because a sibling failed; the actor waits to be started again. */
  takeDown(error: unknown): Promise<void>;
  /** Ends the actor for good; there is no incarnation any more. */
  terminate(exit: Exit): void;
  stop(options?: StopOptions): Promise<Exit>;
  snapshot(): ActorSnapshot;
}

/** @internal Those who say what an end means. */
export interface Parent {
  /** A child is down after a crash. */
  crashed(child: Member, error: unknown, decision: Decision): void;
  /** The body of a child has completed. */
  completed(child: Member): void;
  /** A child has ended for good. */
  ended(child: Member, exit: Exit): void;
}
