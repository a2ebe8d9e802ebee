import type { Clock } from '../../base/clock.ts';
import type { Submission } from '../../transport/index.ts';
import type { Fault, FaultOf } from '../faults/fault.ts';
import type { FaultBoard } from '../faults/fault-board.ts';
import type { EntriesMischief, Mischief, PublishMischief, WelcomeMischief } from '../network/mischief.ts';

/** A condition that lasts a while from the moment in which it first makes a difference. */
interface Spell {
  readonly fault: FaultOf<'slow-reader' | 'withhold'>;
  hasBegun: boolean;
}

/** What a plan has in store for the connection of one agent, over all its lives. */
export class AgentMischief implements Mischief {
  readonly #agent: string;
  readonly #board: FaultBoard;
  readonly #clock: Clock;
  readonly #onRelease: () => void;
  /** What was due and could not happen yet. */
  #publishFaults: PublishMischief[] = [];
  #entriesFaults: EntriesMischief[] = [];
  readonly #spells = new Set<Spell>();

  /** @param onRelease called when what was held back may pass */
  constructor(agent: string, board: FaultBoard, clock: Clock, onRelease: () => void) {
    this.#agent = agent;
    this.#board = board;
    this.#clock = clock;
    this.#onRelease = onRelease;
  }

  publish(submissions: readonly Submission[]): readonly PublishMischief[] {
    const due = [...this.#board.next('publish', this.#agent), ...this.#board.next('relay-publish')];
    this.#publishFaults.push(...(due as PublishMischief[]));
    const now = oneOfEachKind(this.#publishFaults.filter((fault) => isPossible(fault, submissions)));
    this.#publishFaults = this.#publishFaults.filter((fault) => !now.includes(fault));
    return now;
  }

  entries({ isFirst }: { readonly isFirst: boolean }): readonly EntriesMischief[] {
    this.#entriesFaults.push(...(this.#board.next('entries', this.#agent) as EntriesMischief[]));
    const now = oneOfEachKind(this.#entriesFaults.filter(({ kind }) => !isFirst || kind !== 'repeat-entries'));
    this.#entriesFaults = this.#entriesFaults.filter((fault) => !now.includes(fault));
    return now;
  }

  welcome(): readonly WelcomeMischief[] {
    return this.#board.next('welcome', this.#agent) as WelcomeMischief[];
  }

  lostCommit(): readonly FaultOf<'losing-welcome'>[] {
    return this.#board.next('lost-commit') as FaultOf<'losing-welcome'>[];
  }

  fired(fault: Fault): void {
    this.#board.fired(fault);
  }

  isReadingSlowly(): boolean {
    return this.#isUnder('slow-reader');
  }

  isWithholding(): boolean {
    return this.#isUnder('withhold');
  }

  /** The agent reads slowly, or is kept in the dark, from now on or from when it would show. */
  begin(fault: FaultOf<'slow-reader' | 'withhold'>): void {
    this.#spells.add({ fault, hasBegun: false });
  }

  /** Ends what lasts, and what was due and has not happened. */
  heal(): void {
    this.#spells.clear();
    this.#publishFaults = [];
    this.#entriesFaults = [];
    this.#onRelease();
  }

  #isUnder(kind: 'slow-reader' | 'withhold'): boolean {
    const spells = [...this.#spells].filter(({ fault }) => fault.kind === kind);
    for (const spell of spells) {
      if (spell.hasBegun) continue;
      spell.hasBegun = true;
      this.#board.fired(spell.fault);
      this.#clock.schedule(spell.fault.forMs, () => {
        if (this.#spells.delete(spell)) this.#onRelease();
      });
    }
    return spells.length > 0;
  }
}

/** The others of a kind have to wait: the same thing does not happen twice to one thing. */
function oneOfEachKind<T extends Fault>(faults: readonly T[]): readonly T[] {
  return faults.filter(({ kind }, index) => faults.findIndex((other) => other.kind === kind) === index);
}

/** Quotas and rates are about messages; a refusal from a certain index on needs that many. */
function isPossible(fault: PublishMischief, submissions: readonly Submission[]): boolean {
  if (fault.kind !== 'refuse-publish') return true;
  return submissions.length > fault.from && (fault.reason === 'unavailable' || submissions[0]?.kind === 'message');
}
