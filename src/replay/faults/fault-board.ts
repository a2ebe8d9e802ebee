import type { Fault, FaultKind } from './fault.ts';
import type { FaultPlan } from './fault-plan.ts';

/** A fault of a plan, and how often it has happened. */
export interface FaultCount {
  readonly fault: Fault;
  readonly fired: number;
}

/** A fault that comes with time. */
export type TimedFault = Extract<Fault, { readonly atMs: number }>;

/** What is counted, so that a plan can say when. */
export type Operation = 'publish' | 'entries' | 'welcome' | 'write' | 'relay-publish' | 'lost-commit';

const OPERATION_OF: Partial<Record<FaultKind, Operation>> = {
  'lose-publish': 'publish',
  'lose-answer': 'publish',
  'delay-publish': 'publish',
  'delay-answer': 'publish',
  'refuse-publish': 'publish',
  'delay-entries': 'entries',
  'reorder-entries': 'entries',
  'drop-entries': 'entries',
  'duplicate-entries': 'entries',
  'repeat-entries': 'entries',
  'corrupt-entries': 'entries',
  'truncate-entries': 'entries',
  'mislabel-entries': 'entries',
  'lose-welcome': 'welcome',
  'repeat-welcome': 'welcome',
  'relay-crash': 'relay-publish',
  'losing-welcome': 'lost-commit',
  'store-fails': 'write',
  crash: 'write',
};

/** The plan of a run, and what of it has happened. Nothing happens before it is armed. */
export class FaultBoard {
  readonly #plan: FaultPlan;
  readonly #fired = new Map<Fault, number>();
  readonly #counts = new Map<string, number>();
  #isArmed = false;

  constructor(plan: FaultPlan) {
    this.#plan = plan;
  }

  get isArmed(): boolean {
    return this.#isArmed;
  }

  /** Operations count from now on. */
  arm(): void {
    this.#isArmed = true;
  }

  /** What goes wrong at a time, whether or not that has come. */
  get timed(): readonly TimedFault[] {
    return this.#plan.faults.filter((fault): fault is TimedFault => 'atMs' in fault);
  }

  /** Counts one more operation, and tells what of the plan falls on it. */
  next(operation: Operation, agent = ''): readonly Fault[] {
    if (!this.#isArmed) return [];
    const key = `${operation} ${agent}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return this.#plan.faults.filter((fault) => isDue(fault, operation, agent, count));
  }

  /** A fault has made a difference. */
  fired(fault: Fault): void {
    this.#fired.set(fault, (this.#fired.get(fault) ?? 0) + 1);
  }

  /** Every fault of the plan, in its order. */
  get counts(): readonly FaultCount[] {
    return this.#plan.faults.map((fault) => ({ fault, fired: this.#fired.get(fault) ?? 0 }));
  }

  /** What of the plan has not happened. A run that ends with any has not tested what it says. */
  get unfired(): readonly Fault[] {
    return this.counts.flatMap(({ fault, fired }) => (fired === 0 ? [fault] : []));
  }
}

function isDue(fault: Fault, operation: Operation, agent: string, count: number): boolean {
  if (OPERATION_OF[fault.kind] !== operation || !('nth' in fault)) return false;
  if ('agent' in fault && fault.agent !== agent) return false;
  const last = fault.kind === 'store-fails' ? fault.nth + fault.writes - 1 : fault.nth;
  return count >= fault.nth && count <= last;
}
