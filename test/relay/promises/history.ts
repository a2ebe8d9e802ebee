import { toHex } from '../../../src/base/bytes.ts';
import type { LogEntry, PublishAnswer, Submission, WelcomeDelivery } from '../../../src/transport/index.ts';

/** What one reader of a channel saw, in order. */
export interface Reading {
  readonly reader: string;
  /** Where it began to read. */
  readonly afterSeq: number;
  readonly seen: readonly Seen[];
  /** The epoch that the last commit in it has begun. */
  readonly epoch: bigint;
}

/** An entry, or the word that entries are gone. */
export type Seen =
  | { readonly kind: 'entry'; readonly entry: LogEntry }
  | { readonly kind: 'gap'; readonly afterSeq: number; readonly resumesAtSeq: number };

/** A submission and all answers that it got; none if nobody answered. */
interface Attempt {
  readonly submission: Submission;
  readonly answers: PublishAnswer[];
  /** How often it was submitted. */
  count: number;
}

/** What clients did to one channel and what they were told, kept apart from the relay, to be held against its log. */
export class History {
  readonly #attempts = new Map<string, Attempt>();
  readonly #welcomes: { readonly ref: string; readonly delivery: WelcomeDelivery }[] = [];
  readonly readings: Reading[] = [];

  /** A client is about to submit this; the same id any number of times. */
  submitted(submission: Submission): void {
    const id = toHex(submission.messageId);
    const attempt = this.#attempts.get(id) ?? { submission, answers: [], count: 0 };
    attempt.count += 1;
    this.#attempts.set(id, attempt);
  }

  answered({ messageId }: Submission, answer: PublishAnswer): void {
    this.#attempts.get(toHex(messageId))?.answers.push(answer);
  }

  welcomed(ref: Uint8Array, delivery: WelcomeDelivery): void {
    this.#welcomes.push({ ref: toHex(ref), delivery });
  }

  /** The newest answer to a submission. */
  lastAnswer({ messageId }: Submission): PublishAnswer | undefined {
    return this.#attempts.get(toHex(messageId))?.answers.at(-1);
  }

  /** How many submissions were acknowledged. */
  get acknowledged(): number {
    return [...this.#attempts.values()].filter(({ answers }) => answers.some(({ kind }) => kind === 'accepted')).length;
  }

  /** How many were submitted more than once. */
  get resubmitted(): number {
    return [...this.#attempts.values()].filter(({ count }) => count > 1).length;
  }

  /** How many commits were refused because another one had won. */
  get lostRaces(): number {
    const isLoss = (answer: PublishAnswer): boolean => answer.kind === 'refused' && answer.reason === 'epoch-decided';
    return [...this.#attempts.values()].filter(({ answers }) => answers.some(isLoss)).length;
  }

  get welcomes(): number {
    return this.#welcomes.length;
  }

  /**
   * Everything in which the log, as `complete` read it from its beginning to its end, and the other readings break the
   * relay's promises. Empty if nothing does.
   */
  violations(complete: Reading): string[] {
    const log = complete.seen.flatMap((seen) => (seen.kind === 'entry' ? [seen.entry] : []));
    return [
      ...[complete, ...this.readings].flatMap(brokenChains),
      ...this.readings.flatMap((reading) => disagreements(reading, log)),
      ...this.#lost(log),
      ...wrongEpochs(log),
      ...this.#wrongWelcomes(log),
    ];
  }

  /** What was acknowledged must be there, under its number, once; what was refused for good must not. */
  #lost(log: readonly LogEntry[]): string[] {
    const seqs = new Map<string, number>();
    const found: string[] = [];
    for (const { messageId, seq } of log) {
      const id = toHex(messageId);
      if (seqs.has(id)) found.push(`${id} is stored as ${seqs.get(id)} and as ${seq}`);
      if (!this.#attempts.has(id)) found.push(`${id} (${seq}) was never submitted`);
      seqs.set(id, seq);
    }
    const commits = new Map(log.filter(({ kind }) => kind === 'commit').map((entry) => [entry.epoch, entry]));
    for (const [id, { submission, answers }] of this.#attempts) {
      for (const answer of answers) {
        if (answer.kind === 'accepted' && seqs.get(id) !== answer.seq) {
          found.push(`${id} was acknowledged as ${answer.seq} and is ${seqs.get(id) ?? 'lost'}`);
        }
        if (answer.kind === 'refused' && answer.reason !== 'unavailable' && seqs.has(id)) {
          found.push(`${id} was refused (${answer.reason}) and is stored as ${seqs.get(id)}`);
        }
        if (answer.kind === 'refused' && answer.reason === 'epoch-decided' && !commits.has(submission.epoch)) {
          found.push(`${id} was told that epoch ${submission.epoch} was decided, and it is not`);
        }
      }
    }
    return found;
  }

  #wrongWelcomes(log: readonly LogEntry[]): string[] {
    const winners = new Map<string, number>();
    for (const { messageId, seq } of log) {
      for (const { keyPackageRefs } of this.#attempts.get(toHex(messageId))?.submission.welcomes ?? []) {
        for (const ref of keyPackageRefs) winners.set(toHex(ref), seq);
      }
    }
    return this.#welcomes.flatMap(({ ref, delivery: { commitSeq } }) =>
      winners.get(ref) === commitSeq ? [] : [`a Welcome names commit ${commitSeq}, the log says ${winners.get(ref)}`],
    );
  }
}

/** A reader can prove by the predecessors that it missed nothing; what is missing was announced. */
function brokenChains({ reader, afterSeq, seen }: Reading): string[] {
  const found: string[] = [];
  let last = afterSeq;
  for (const item of seen) {
    if (item.kind === 'gap') {
      if (item.resumesAtSeq <= last) found.push(`${reader}: a gap to ${item.resumesAtSeq} came after ${last}`);
      last = item.resumesAtSeq - 1;
      continue;
    }
    const { seq, prevSeq } = item.entry;
    if (seq <= last) found.push(`${reader}: ${seq} came after ${last}`);
    if (prevSeq > last) found.push(`${reader}: ${seq} follows ${prevSeq}, which was not delivered after ${last}`);
    last = seq;
  }
  return found;
}

/** One order for all: what a reader saw is a stretch of the log, entry for entry. */
function disagreements({ reader, seen }: Reading, log: readonly LogEntry[]): string[] {
  const bySeq = new Map(log.map((entry) => [entry.seq, entry]));
  const found: string[] = [];
  for (const item of seen) {
    if (item.kind === 'gap') continue;
    const { entry } = item;
    const other = bySeq.get(entry.seq);
    if (other === undefined || print(entry) !== print(other))
      found.push(`${reader}: ${entry.seq} differs from the log`);
  }
  return found;
}

function print({ seq, prevSeq, kind, epoch, messageId, payload }: LogEntry): string {
  return [seq, prevSeq, kind, epoch, toHex(messageId), toHex(payload)].join(' ');
}

/** The first commit of an epoch ends it; nothing comes in an epoch before the log has reached it. */
function wrongEpochs(log: readonly LogEntry[]): string[] {
  const found: string[] = [];
  let epoch = 0n;
  for (const entry of log) {
    if (entry.epoch > epoch) found.push(`${entry.seq} is of epoch ${entry.epoch}, the log is in ${epoch}`);
    if (entry.kind !== 'commit') continue;
    if (entry.epoch !== epoch) found.push(`commit ${entry.seq} ends epoch ${entry.epoch}, the log is in ${epoch}`);
    epoch = entry.epoch + 1n;
  }
  return found;
}
