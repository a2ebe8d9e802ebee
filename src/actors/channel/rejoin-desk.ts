import type { SkytaleError } from '../../base/errors.ts';
import { type Group, groupMembers, newLeaves, pinMembers, resumedAdmissions } from '../../mls/index.ts';
import type { ReadingEnd } from './log-reader.ts';
import { rejoin } from './rejoin.ts';
import type { Workbench } from './workbench.ts';

/** How long the others may take to help a member that cannot apply a commit. Those that are there take a second. */
const HELP_WITHIN_MS = 60_000;

/** Why the channel asks for a fresh leaf, and what it had read last. */
interface Rejoining {
  readonly end: ReadingEnd;
  readonly afterSeq: number;
}

/**
 * The way back of a member whose record is of no more use: the others may give it a fresh leaf, and it goes on behind the commit that
 * did. What was said between then and now was for the leaf that is gone: a `gap`.
 */
export class RejoinDesk {
  readonly #bench: Workbench;
  /** What happens meanwhile happens outside of the actor's turns. */
  readonly #outside: Workbench;
  readonly #stop = new AbortController();
  #rejoining: Rejoining | undefined;
  /** The epoch that a fresh leaf began in which was given because a commit could not be applied. */
  #healedInEpoch: bigint | undefined;

  constructor(bench: Workbench, outside: Workbench) {
    this.#bench = bench;
    this.#outside = outside;
  }

  get isBusy(): boolean {
    return this.#rejoining !== undefined;
  }

  /** Whether others could help. */
  canHelp({ status }: ReadingEnd): boolean {
    const { ports, keeper } = this.#bench;
    const { group } = keeper.record;
    // If a fresh leaf leads to a commit that cannot be applied either, the next one would, too.
    const isVain = status === 'stuck' && this.#healedInEpoch === group.epoch;
    return ports.rejoin !== undefined && groupMembers(group).length > 1 && !isVain;
  }

  /** Asks, unless it is asked already. The outcome comes to the actor as a message. */
  ask(end: ReadingEnd): void {
    const { ports, keeper, mailbox } = this.#bench;
    if (this.#rejoining !== undefined || ports.rejoin === undefined) return;
    const { record } = keeper;
    this.#rejoining = { end, afterSeq: 'afterSeq' in record.cursor ? record.cursor.afterSeq : 0 };
    // Who is stuck may be so together with all others: then it is to be seen. An old copy can only wait.
    const withinMs = end.status === 'rolled-back' ? undefined : HELP_WITHIN_MS;
    void rejoin(this.#outside, ports.rejoin, record, this.#stop.signal, withinMs).then((outcome) => {
      if (outcome !== undefined) mailbox.tell(outcome);
    });
  }

  /** Goes on with a new membership, from behind the commit that began it. Called again when the write has failed. */
  async goOn(group: Group, commitSeq: number): Promise<void> {
    const { keeper, ports, output } = this.#bench;
    const { record } = keeper;
    const { pins } = pinMembers(record.pins, groupMembers(group));
    const admissions = resumedAdmissions(record.admissions, ports.clock.now(), newLeaves(group));
    const renewed = { ...record, group, pins, cursor: { afterSeq: commitSeq }, admissions };
    await keeper.commit({ ...renewed, pendingCommit: undefined, commitSpentInEpoch: undefined });
    const { end, afterSeq = 0 } = this.#rejoining ?? {};
    this.#rejoining = undefined;
    if (end?.status === 'stuck') this.#healedInEpoch = group.epoch;
    output.fault({ kind: 'gap', afterSeq, resumesAtSeq: commitSeq + 1 });
  }

  /** Nobody has helped. Returns how the channel ends. */
  failed(error: SkytaleError): ReadingEnd {
    const { end } = this.#rejoining ?? {};
    return end === undefined || end.status === 'rolled-back' ? { status: 'rolled-back', error } : end;
  }

  stop(): void {
    this.#stop.abort();
  }
}
