import type { Observable } from 'rxjs';
import { RuntimeError } from '../base/errors.ts';
import type { StateObservable } from '../streams/index.ts';
import { ActorHandle } from './actor-handle.ts';
import { ActorMailbox } from './actor-mailbox.ts';
import type { StopOptions } from './actor-ref.ts';
import { ActorStreams } from './actor-streams.ts';
import type { Birth, Host, Inside, Member, Outside, Parent } from './anatomy.ts';
import { CrashRecord } from './crash-record.ts';
import type { Runnable } from './dispatcher.ts';
import { toError } from './error-text.ts';
import { Incarnation, type IncarnationOwner } from './incarnation.ts';
import type { ActorSnapshot } from './inspection.ts';
import type { Letter } from './letter.ts';
import type { Exit, Lifecycle } from './lifecycle.ts';
import { DEFAULT_RESTARTS } from './restart-intensity.ts';
import { resultStream } from './result-stream.ts';

/** What comes after the end that is under way. */
type Ending = { readonly kind: 'down'; readonly then: () => void } | { readonly kind: 'exit'; readonly exit: Exit };

/**
 * @internal One actor over all its incarnations: takes letters, delivers them, begins and ends lives. What an end means is for
 * its parent to say.
 */
export class ActorCell<In, Out> implements Runnable, IncarnationOwner<In, Out>, Outside<In, Out>, Inside<In>, Member {
  readonly birth: Birth<In, Out>;
  readonly host: Host;
  readonly #parent: Parent;
  readonly #mailbox: ActorMailbox<In>;
  readonly #streams = new ActorStreams<Out>();
  /** Made with the first crash. */
  #crashes: CrashRecord | undefined;
  #ref: ActorHandle<In, Out> | undefined;
  #incarnation: Incarnation<In, Out> | undefined;
  #isScheduled = false;
  /** Set while the end of an incarnation is under way. */
  #ending: Ending | undefined;
  #isDraining = false;
  #cancelTimer: (() => void) | undefined;
  #handled = 0;
  /** While it backs off. */
  #restartAtMs: number | undefined;
  /** Of the first start. */
  startError: { readonly error: unknown } | undefined;
  #onStopped: Set<() => void> | undefined;

  constructor(birth: Birth<In, Out>, host: Host, parent: Parent) {
    this.birth = birth;
    this.host = host;
    this.#parent = parent;
    this.#mailbox = new ActorMailbox(birth, host);
    host.inspect(() => ({ kind: 'spawned', path: birth.path }));
  }

  // For those outside.

  get ref(): ActorHandle<In, Out> {
    return (this.#ref ??= new ActorHandle(this));
  }

  get out$(): Observable<Out> {
    return this.#streams.out$;
  }

  get lifecycle$(): StateObservable<Lifecycle> {
    return this.#streams.lifecycle$;
  }

  get ready(): Promise<void> {
    return this.#streams.ready;
  }

  get depth(): number {
    return this.#mailbox.depth;
  }

  post(letter: Letter<In>): void {
    if (this.#isClosed) return this.#mailbox.bury(letter, 'stopped');
    const isCrash = !this.#mailbox.add(letter);
    if (isCrash && this.#incarnation !== undefined && this.#state.kind === 'running') {
      this.fail(this.#incarnation, new RuntimeError('mailbox_full', `the mailbox of ${this.birth.path} is full`));
    }
    this.#wake();
  }

  async postWhenRoom(letter: Letter<In>, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw this.#stoppedError();
    await this.#mailbox.addWhenRoom(letter, signal);
    this.#wake();
  }

  onStopped(task: () => void): () => void {
    this.#onStopped ??= new Set();
    this.#onStopped.add(task);
    return () => this.#onStopped?.delete(task);
  }

  stop(options: StopOptions = {}): Promise<Exit> {
    const stopped = this.#untilStopped();
    if (this.#isStopped) return stopped;
    const graceMs = options.graceMs ?? this.birth.rules.graceMs;
    const exit = { kind: 'exit', exit: { kind: 'shutdown' } } as const;
    if (this.#ending === undefined) this.#endIncarnation(exit, { ...options, graceMs });
    else {
      this.#ending = exit; // what is going down stays down
      if (graceMs === 0) this.#cutOff();
    }
    return stopped;
  }

  // For the dispatcher.

  get hasWork(): boolean {
    const isDelivering = this.#state.kind === 'running' || this.#isDraining;
    return isDelivering && this.depth > 0 && this.#incarnation?.isOpen === true;
  }

  run(maxMessages: number): number {
    let handled = 0;
    while (handled < maxMessages && this.hasWork) {
      const letter = this.#mailbox.next();
      if (letter === undefined) break;
      handled += 1;
      this.#incarnation?.deliver(letter);
    }
    this.#handled += handled;
    this.#isScheduled = this.hasWork;
    if (this.#ending !== undefined) this.#quiesce();
    return handled;
  }

  // For the body.

  stash(): void {
    this.#mailbox.stash(this.#incarnation?.current);
  }

  unstash(): void {
    this.#mailbox.unstash();
    this.#wake();
  }

  survives(incarnation: Incarnation<In>, letter: Letter<In> | undefined, error: unknown): boolean {
    if (incarnation.isOver) return false;
    const decision = this.#record.decide(incarnation.number, error);
    if (decision !== 'resume') {
      incarnation.blame = { letter, error, decision };
      return false;
    }
    this.#record.note(incarnation.number, error);
    if (letter !== undefined) this.#mailbox.blame(letter, error, true);
    return true;
  }

  progressed(): void {
    this.#wake();
    if (this.#ending !== undefined) this.#quiesce();
  }

  // For the incarnation.

  listened(): void {
    this.#wake();
  }

  emit(value: Out): void {
    this.#streams.emit(value);
  }

  completed(incarnation: Incarnation<In>): void {
    if (incarnation.isOver) return;
    const { current } = incarnation; // its delivery made the body complete: it was handled
    for (const letter of incarnation.end()) if (letter !== current) this.#mailbox.bury(letter, 'abandoned');
    this.#ending ??= { kind: 'down', then: () => this.#parent.completed(this) };
    this.#finishEnding();
  }

  fail(incarnation: Incarnation<In>, error: unknown): void {
    if (incarnation.isOver) return;
    // Work on a message has failed, and the body with it; else it is the message that is being delivered.
    const blame = incarnation.blame?.error === error ? incarnation.blame : undefined;
    const culprit = blame?.letter ?? incarnation.current;
    const isFirstStart = this.#state.kind === 'starting' && incarnation.number === 1;
    const open = incarnation.end();
    this.#record.note(incarnation.number, error);
    if (this.#ending !== undefined) {
      this.#mailbox.restore(open);
      return this.#finishEnding();
    }
    const decision = blame?.decision ?? this.#record.decide(incarnation.number, error);
    const isSkipped = decision === 'resume';
    this.#mailbox.restore(open.filter((item) => item !== culprit || !this.#mailbox.blame(item, error, isSkipped)));
    if (isFirstStart) {
      this.startError = { error };
      this.#ending = { kind: 'exit', exit: { kind: 'crashed', error } };
    } else {
      this.#ending = { kind: 'down', then: () => this.#parent.crashed(this, error, decision) };
      this.backOff(error, 0);
    }
    this.#finishEnding();
  }

  // For the siblings.

  get recentErrors(): readonly unknown[] {
    return this.#record.recentErrors;
  }

  mayRestart(error: unknown): boolean {
    return this.#record.allowsRestart(error);
  }

  nextDelayMs(): number {
    return this.#record.nextDelayMs();
  }

  start(): void {
    if (this.#isClosed) return;
    const incarnation = new Incarnation<In, Out>(this.#state.incarnation + 1, this);
    this.#incarnation = incarnation;
    this.#become({ kind: 'starting', incarnation: incarnation.number });
    try {
      const output = this.birth.logic.body(incarnation.inbox$, this.host.contextOf(this, incarnation));
      incarnation.follow(resultStream(output));
    } catch (error) {
      this.fail(incarnation, error);
    }
    if (incarnation.isOver || this.#state.kind !== 'starting') return;
    this.#become({ kind: 'running', incarnation: incarnation.number });
    this.#streams.started();
    this.#crashes?.recovered();
    this.#wake();
  }

  startLater(error: unknown): void {
    const restartInMs = this.nextDelayMs();
    this.backOff(error, restartInMs);
    this.#cancelTimer = this.host.clock.schedule(restartInMs, () => this.start());
  }

  backOff(error: unknown, restartInMs: number): void {
    if (this.#isClosed) return;
    this.#restartAtMs = this.host.clock.now() + restartInMs;
    this.#become({ kind: 'backingOff', incarnation: this.#state.incarnation, error, restartInMs });
  }

  takeDown(error: unknown): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const then = (): void => {
        this.backOff(error, 0);
        resolve();
      };
      if (this.#ending?.kind === 'exit') this.onStopped(resolve);
      // It has failed as well, and is on its way down: it is started again with the others.
      else if (this.#ending !== undefined) this.#ending = { kind: 'down', then };
      else this.#endIncarnation({ kind: 'down', then }, { graceMs: this.birth.rules.graceMs });
    });
  }

  terminate(exit: Exit): void {
    if (this.#isStopped) return;
    this.#cancelTimer?.();
    this.#become({ kind: 'stopped', incarnation: this.#state.incarnation, exit });
    const left = this.#mailbox.close(() => this.#stoppedError());
    if (left > 0 && exit.kind === 'shutdown') this.host.abandoned(this.birth.path, 0, left);
    const { startError } = this;
    this.#streams.started(() => (startError === undefined ? this.#stoppedError() : toError(startError.error)));
    this.#streams.complete();
    const { name } = this.birth;
    if (name !== undefined) this.host.registry.release(name, this.ref);
    const tasks = this.#onStopped ?? [];
    this.#onStopped = undefined;
    for (const task of tasks) task();
    this.#parent.ended(this, exit);
  }

  snapshot(): ActorSnapshot {
    const { path, rules } = this.birth;
    const restartsMax = rules.budget.restarts ?? DEFAULT_RESTARTS;
    return {
      path,
      lifecycle: this.#state.kind,
      incarnation: this.#state.incarnation,
      depth: this.depth,
      capacity: rules.mailbox.maxMessages,
      oldestSinceMs: this.#mailbox.oldestSinceMs,
      stashed: this.#mailbox.stashed,
      inFlight: this.#incarnation?.inFlight ?? 0,
      handled: this.#handled,
      restartsLeft: this.#crashes?.restartsLeft ?? restartsMax,
      restartsMax,
      restartAtMs: this.#state.kind === 'backingOff' ? this.#restartAtMs : undefined,
      lastError: this.#crashes?.last?.text,
      lastErrorName: this.#crashes?.last?.name,
      lastErrorCode: this.#crashes?.last?.code,
      children: this.#incarnation?.children?.snapshot() ?? [],
    };
  }

  // How an incarnation ends.

  /** Lets what is under way come to its end, and cuts it off when its time is over. */
  #endIncarnation(ending: Ending, { graceMs = 0, drain = false }: StopOptions): void {
    this.#ending = ending;
    this.#cancelTimer?.();
    const incarnation = this.#incarnation;
    if (incarnation === undefined || incarnation.isOver) return this.#finishEnding();
    this.#become({ kind: 'stopping', incarnation: incarnation.number });
    this.#isDraining = drain;
    if (graceMs === 0) return this.#cutOff();
    this.#cancelTimer = this.host.clock.schedule(graceMs, () => this.#cutOff());
    this.#wake();
    this.#quiesce();
  }

  /** Goes on with the end if nothing is under way, and nothing is left that is to be handled first. */
  #quiesce(): void {
    const incarnation = this.#incarnation;
    if (incarnation === undefined || incarnation.isOver || incarnation.current !== undefined) return;
    if (this.#isDraining && this.depth > 0) return;
    this.#isDraining = false;
    incarnation.completeInbox(); // the body may complete by that
    if (incarnation.inFlight === 0) this.#cutOff();
  }

  #cutOff(): void {
    const incarnation = this.#incarnation;
    if (incarnation === undefined || incarnation.isOver) return;
    this.#isDraining = false;
    const open = incarnation.end();
    if (this.#ending?.kind === 'exit') {
      if (open.length > 0) this.host.abandoned(this.birth.path, open.length, 0);
      for (const letter of open) this.#mailbox.bury(letter, 'abandoned');
    } else {
      this.#mailbox.restore(open);
    }
    this.#finishEnding();
  }

  /** The body is down: the children follow, and then comes what comes after. */
  #finishEnding(): void {
    this.#cancelTimer?.();
    const { children } = this.#incarnation ?? {};
    const then = (): void => {
      const ending = this.#ending;
      this.#ending = undefined;
      if (ending?.kind === 'exit') this.terminate(ending.exit);
      else ending?.then();
    };
    if (children === undefined) then();
    else void children.stopAll().then(then);
  }

  // Small things.

  get #state(): Lifecycle {
    return this.#streams.state;
  }

  get #isStopped(): boolean {
    return this.#state.kind === 'stopped';
  }

  /** Nothing more is taken. */
  get #isClosed(): boolean {
    return this.#isStopped || this.#ending?.kind === 'exit';
  }

  get #record(): CrashRecord {
    return (this.#crashes ??= new CrashRecord(this.birth, this.host));
  }

  /** Asks for a turn if there is something to deliver. */
  #wake(): void {
    if (this.#isScheduled || !this.hasWork) return;
    this.#isScheduled = true;
    this.host.dispatcher.schedule(this);
  }

  #become(state: Lifecycle): void {
    this.#streams.become(state);
    const { kind, incarnation } = state;
    this.host.inspect(() => ({ kind: 'lifecycle', path: this.birth.path, lifecycle: kind, incarnation }));
  }

  #untilStopped(): Promise<Exit> {
    const exit = (): Exit => (this.#state as Extract<Lifecycle, { kind: 'stopped' }>).exit;
    if (this.#isStopped) return Promise.resolve(exit());
    return new Promise((resolve) => this.onStopped(() => resolve(exit())));
  }

  #stoppedError(): RuntimeError {
    return new RuntimeError('actor_stopped', `the actor ${this.birth.path} has stopped`);
  }
}
