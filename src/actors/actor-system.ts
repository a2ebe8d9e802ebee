import type { Observable } from 'rxjs';
import { checkInteger } from '../base/check.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { type Random, systemRandom } from '../base/random.ts';
import { OrderedSubject } from '../streams/index.ts';
import type { Spawn } from './actor.ts';
import type { Host } from './anatomy.ts';
import { Context } from './context.ts';
import type { DeadLetter } from './dead-letter.ts';
import { Dispatcher } from './dispatcher.ts';
import { textOf } from './error-text.ts';
import { type ActorSnapshot, INSPECTION_VERSION, type InspectionEvent } from './inspection.ts';
import { NameTable, type Registry } from './registry.ts';
import { Siblings } from './siblings.ts';

/** Options of {@link createSystem}. */
export interface SystemOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Told of every crash, once, whatever is done about it. Default: a warning of the process (`ActorCrash`). */
  readonly onCrash?: (crash: Crash) => void;
}

/** An actor's body has failed. */
export interface Crash {
  readonly path: string;
  readonly incarnation: number;
  readonly error: unknown;
}

/** Options of {@link ActorSystem.shutdown}. */
export interface ShutdownOptions {
  /** For all actors together, in ms. What is under way then is cut off and reported. Default 10 000. */
  readonly deadlineMs?: number;
}

/** What a shutdown left undone; empty lists and false are the normal case. */
export interface ShutdownReport {
  /** Actors that were stopped with messages under way or in their mailboxes, in the order of their end. */
  readonly abandoned: readonly { readonly path: string; readonly inFlight: number; readonly queued: number }[];
  readonly isDeadlineOver: boolean;
}

/** Actors in a tree, with all that they share. */
export interface ActorSystem extends AsyncDisposable {
  readonly registry: Registry;
  /** Messages that nobody handled. Hot, no replay; completes after the shutdown. */
  readonly deadLetters$: Observable<DeadLetter>;
  /** What happens, without payloads. Hot, no replay; costs nothing while nobody listens; completes after the shutdown. */
  readonly inspect$: Observable<InspectionEvent>;
  /**
   * Starts an actor at the top of the tree. One whose restart limit is reached stays down; the others live on.
   *
   * @throws {@link RuntimeError} `name_taken`, `invalid_argument`, `actor_stopped` after the shutdown has begun. An error of the
   * body's first start is told by `ready`.
   */
  readonly spawn: Spawn;
  /** All actors as they are now. */
  snapshot(): readonly ActorSnapshot[];
  /** Stops all actors, the latest first, under one deadline. Every call returns the same promise. */
  shutdown(options?: ShutdownOptions): Promise<ShutdownReport>;
}

/**
 * A system of actors. `await using` shuts it down at the end of the block.
 *
 * @example
 * await using system = createSystem();
 * const greeter = system.spawn(defineActor<string, string>((names$) => names$.pipe(map((name) => `hello ${name}`))), {
 *   id: 'greeter',
 * });
 * greeter.out$.subscribe(console.log);
 * greeter.tell('world');
 */
export function createSystem(options: SystemOptions = {}): ActorSystem {
  return new System(options);
}

class System implements ActorSystem {
  readonly registry = new NameTable();
  readonly deadLetters$: Observable<DeadLetter>;
  readonly inspect$: Observable<InspectionEvent>;
  readonly #clock: Clock;
  readonly #deadLetters = new OrderedSubject<DeadLetter>();
  readonly #inspections = new OrderedSubject<InspectionEvent>();
  readonly #abandoned: { path: string; inFlight: number; queued: number }[] = [];
  readonly #root: Siblings;
  #lastInspection = 0;
  #end: Promise<ShutdownReport> | undefined;

  constructor({ clock = systemClock, random = systemRandom, onCrash = warnOfCrash }: SystemOptions) {
    this.#clock = clock;
    this.deadLetters$ = this.#deadLetters.asObservable();
    this.inspect$ = this.#inspections.asObservable();
    const host: Host = {
      clock,
      random,
      dispatcher: new Dispatcher(clock),
      registry: this.registry,
      contextOf: (actor, incarnation) => new Context(actor, incarnation),
      inspect: (happening) => {
        this.#lastInspection += 1;
        if (!this.#inspections.observed) return;
        const event = { version: INSPECTION_VERSION, id: this.#lastInspection, atMs: clock.now(), ...happening() };
        this.#inspections.next(event as InspectionEvent);
      },
      deadLetter: (letter) => {
        this.#deadLetters.next(letter);
        host.inspect(() => ({ kind: 'deadLetter', path: letter.path, reason: letter.reason }));
      },
      crashed: (path, incarnation, error) => onCrash({ path, incarnation, error }),
      abandoned: (path, inFlight, queued) => this.#noteAbandoned(path, inFlight, queued),
    };
    this.#root = new Siblings(host, '', {
      strategy: 'oneForOne',
      autoShutdown: 'never',
      isStrict: false,
      escalate: () => undefined, // nobody is above; the actor stays down, as its lifecycle tells
      shutDown: () => undefined,
    });
  }

  readonly spawn: Spawn = (logic, options) => this.#root.spawn({ logic, options }).ref;

  snapshot(): readonly ActorSnapshot[] {
    return this.#root.snapshot();
  }

  shutdown({ deadlineMs = 10_000 }: ShutdownOptions = {}): Promise<ShutdownReport> {
    this.#end ??= this.#shutdown(checkInteger('deadlineMs', deadlineMs, 0));
    return this.#end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #noteAbandoned(path: string, inFlight: number, queued: number): void {
    const known = this.#abandoned.at(-1);
    if (known?.path !== path) this.#abandoned.push({ path, inFlight, queued });
    else this.#abandoned.splice(-1, 1, { path, inFlight: known.inFlight + inFlight, queued: known.queued + queued });
  }

  async #shutdown(deadlineMs: number): Promise<ShutdownReport> {
    this.#abandoned.length = 0;
    const deadline = this.#clock.now() + deadlineMs;
    await this.#root.stopAll(() => deadline - this.#clock.now());
    const isDeadlineOver = this.#clock.now() >= deadline && deadlineMs > 0;
    this.registry.close();
    this.#deadLetters.complete();
    this.#inspections.complete();
    return { abandoned: [...this.#abandoned], isDeadlineOver };
  }
}

function warnOfCrash({ path, incarnation, error }: Crash): void {
  process.emitWarning(`actor ${path} (incarnation ${incarnation}) crashed: ${textOf(error)}`, 'ActorCrash');
}
