import { RuntimeError } from '../base/errors.ts';
import { ActorCell } from './actor-cell.ts';
import type { ActorLogic } from './actor.ts';
import type { Host, Member, Parent } from './anatomy.ts';
import { checkId, checkLifeRules, type ChildOptions, type Decision } from './child-options.ts';
import type { Offspring } from './incarnation.ts';
import type { ActorSnapshot } from './inspection.ts';
import type { Exit } from './lifecycle.ts';
import { type RestartBudget, RestartIntensity } from './restart-intensity.ts';

/**
 * Who is taken down and started again with an actor that crashed: nobody else, all siblings, or those that were started after
 * it.
 */
export type Strategy = 'oneForOne' | 'oneForAll' | 'restForOne';

/** When a supervisor ends because significant children have ended by themselves. */
export type AutoShutdown = 'never' | 'anySignificant' | 'allSignificant';

/** @internal How siblings hang together. */
export interface FamilyRules {
  readonly strategy: Strategy;
  /** For all restarts together; besides the budgets of the children. */
  readonly budget?: RestartBudget | undefined;
  readonly autoShutdown: AutoShutdown;
  /** Whether a child that exceeds its budget takes its parent down, as a supervisor's does. */
  readonly isStrict: boolean;
  /** Fails in place of a child. */
  readonly escalate: (error: unknown) => void;
  /** The significant children have done their work. */
  readonly shutDown: () => void;
}

/** @internal What a child is made of. */
export interface Newborn<In, Out> {
  readonly logic: ActorLogic<In, Out, never>;
  readonly options: ChildOptions & { readonly id: string; readonly name?: string; readonly input?: unknown };
}

/** @internal The children of one parent, in the order of their start, and what a crash of one means for the others. */
export class Siblings implements Parent, Offspring {
  readonly #host: Host;
  readonly #path: string;
  readonly #rules: FamilyRules;
  readonly #cells = new Map<string, Member>();
  readonly #total: RestartIntensity | undefined;
  #isEnding = false;
  /** Counts group restarts: one that another has overtaken leaves off. */
  #restarts = 0;
  #cancelRestart: (() => void) | undefined;

  constructor(host: Host, path: string, rules: FamilyRules) {
    this.#host = host;
    this.#path = path;
    this.#rules = rules;
    this.#total = rules.budget === undefined ? undefined : new RestartIntensity(rules.budget, host.clock);
  }

  get(id: string): Member | undefined {
    return this.#cells.get(id);
  }

  /** Starts a child. Its first start may have failed when this returns. */
  spawn<In, Out>({ logic, options }: Newborn<In, Out>): ActorCell<In, Out> {
    const { id, name, input } = options;
    checkId(id);
    if (this.#isEnding) throw new RuntimeError('actor_stopped', `${this.#path || 'the system'} has ended`);
    if (this.#cells.has(id)) throw new RuntimeError('name_taken', `${this.#path}/${id} is there already`);
    const rules = checkLifeRules(options);
    const path = `${this.#path}/${id}`;
    const birth = { id, path, name, input, rules, logic };
    const cell = new ActorCell<In, Out>(birth, this.#host, this);
    if (name !== undefined) this.#host.registry.register(name, cell.ref);
    this.#cells.set(id, cell);
    cell.start();
    return cell;
  }

  /** A child is down after a crash. */
  crashed(cell: Member, error: unknown, decision: Decision): void {
    if (this.#isEnding || decision === 'stop' || cell.birth.rules.restart === 'temporary') {
      return cell.terminate({ kind: 'crashed', error });
    }
    if (decision === 'escalate') {
      cell.terminate({ kind: 'crashed', error });
      return this.#rules.escalate(error);
    }
    if (decision === 'resume') return cell.start();
    this.#restart(cell, error);
  }

  /** The body of a child has completed. */
  completed(cell: Member): void {
    if (this.#isEnding || cell.birth.rules.restart !== 'permanent') return cell.terminate({ kind: 'normal' });
    this.#restart(cell, new RuntimeError('runtime_error', `${cell.birth.path} completed and is permanent`));
  }

  /** A child has ended for good. */
  ended(cell: Member, exit: Exit): void {
    if (this.#cells.get(cell.birth.id) === cell) this.#cells.delete(cell.birth.id);
    if (this.#isEnding || exit.kind === 'shutdown' || !cell.birth.rules.significant) return;
    const { autoShutdown } = this.#rules;
    const isLast = ![...this.#cells.values()].some(({ birth }) => birth.rules.significant);
    if (autoShutdown === 'anySignificant' || (autoShutdown === 'allSignificant' && isLast)) this.#rules.shutDown();
  }

  /** Stops all children, the latest first, each after the one before is down. `graceMs` caps their graces, at each moment. */
  async stopAll(graceMs: () => number = () => Number.POSITIVE_INFINITY): Promise<void> {
    this.#isEnding = true;
    this.#cancelRestart?.();
    for (const cell of [...this.#cells.values()].reverse()) {
      await cell.stop({ graceMs: Math.max(0, Math.min(cell.birth.rules.graceMs, graceMs())) });
    }
  }

  snapshot(): ActorSnapshot[] {
    return [...this.#cells.values()].map((cell) => cell.snapshot());
  }

  #restart(cell: Member, error: unknown): void {
    const isAllowed = cell.mayRestart(error);
    if (!isAllowed || this.#total?.allows(error) === false) return this.#giveUp(cell, error, isAllowed);
    const group = this.#groupOf(cell);
    if (group.length === 1) cell.startLater(error);
    else void this.#restartGroup(cell, group, error);
  }

  #giveUp(cell: Member, error: unknown, isTotal: boolean): void {
    const crashes = isTotal ? (this.#total?.errors ?? []) : cell.recentErrors;
    cell.terminate({ kind: 'restartLimit', error, crashes });
    if (!this.#rules.isStrict) return;
    const detail = `${cell.birth.path} failed ${crashes.length} times, which is more often than its budget allows`;
    this.#rules.escalate(new RuntimeError('restart_limit', detail, { cause: error }));
  }

  #groupOf(cell: Member): Member[] {
    const all = [...this.#cells.values()];
    if (this.#rules.strategy === 'oneForAll') return all;
    return this.#rules.strategy === 'oneForOne' ? [cell] : all.slice(all.indexOf(cell));
  }

  async #restartGroup(cell: Member, group: readonly Member[], error: unknown): Promise<void> {
    const restart = (this.#restarts += 1);
    const isCurrent = (): boolean => restart === this.#restarts && !this.#isEnding;
    for (const other of [...group].reverse()) {
      if (other !== cell) await other.takeDown(error);
      if (!isCurrent()) return;
    }
    const restartInMs = cell.nextDelayMs();
    for (const member of group) member.backOff(error, restartInMs);
    this.#cancelRestart?.();
    this.#cancelRestart = this.#host.clock.schedule(restartInMs, () => {
      for (const member of group) {
        if (!isCurrent()) return; // one of them has failed again
        member.start();
      }
    });
  }
}
