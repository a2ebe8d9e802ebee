import type { ChannelName } from '../../../base/channel-name.ts';
import type { PublishAnswer, Submission } from '../../../transport/index.ts';
import type { AccountId } from '../../access/principal.ts';
import { ENTRY_OVERHEAD_BYTES, EntryWriter } from '../entry-codec.ts';
import type { Access, AccessChange, Appended, AppendOutcome, AppendRequest } from '../log-engine.ts';
import { holdsForKnownId, refusalOf } from '../log-rules.ts';
import type { LogFacts, LogRules } from '../log-rules.ts';
import { monthStart } from '../month.ts';
import { RunBuilder } from '../run-builder.ts';
import type { Channel } from './channel-table.ts';
import type { LogTransaction } from './log-transaction.ts';
import { bufferFor } from './spare-buffer.ts';

/** From here on it costs less to flush the files of large segments, too, than to have the bytes in the database. */
const MIN_LARGE_BYTES = 128 * 1024;

/** What one transaction did. */
export interface BatchOutcome {
  /** Per request. */
  readonly outcomes: readonly AppendOutcome[];
  /** The runs lie one behind the other in {@link BatchOutcome.bytes}. */
  readonly appended: readonly Appended[];
  readonly bytes: ArrayBuffer;
  readonly accessChanges: readonly AccessChange[];
}

/** One request while it is judged. Its facts change as its submissions are stored. */
interface Intake {
  readonly channel: Channel;
  readonly group: Uint8Array;
  readonly facts: LogFacts;
  readonly publisher: { readonly account: AccountId; access: Access; messages: number } | undefined;
  readonly run: RunBuilder;
  readonly accessChanges: AccessChange[];
}

/** Judges submissions and stores those that the rules allow. */
export class Appender {
  readonly #log: LogTransaction;
  readonly #rules: LogRules;
  /** Never goes back, whatever the wall clock does: retention takes rows from the oldest on. */
  #stampMs: number;

  constructor(log: LogTransaction, rules: LogRules) {
    this.#log = log;
    this.#rules = rules;
    this.#stampMs = Math.max(log.segments.lastStoredAtMs, log.usage.monthStartMs); // retention may have taken all entries
  }

  /**
   * Judges and stores all requests in one transaction, which is durable when this returns.
   *
   * @param spare a buffer for the runs, if one is at hand
   * @throws the driver's error; then nothing was stored.
   */
  append(requests: readonly AppendRequest[], clockMs: number, spare?: ArrayBuffer): BatchOutcome {
    const nowMs = Math.floor(clockMs);
    this.#stampMs = Math.max(this.#stampMs, nowMs);
    this.#log.usage.enterMonth(monthStart(this.#stampMs));
    const capacity = capacityFor(requests);
    const isLarge = capacity >= MIN_LARGE_BYTES;
    const writer = new EntryWriter(bufferFor(capacity, spare));
    const outcomes: AppendOutcome[] = [];
    const appended: Appended[] = [];
    const accessChanges: AccessChange[] = [];
    this.#log.run(() => {
      for (const [name, indices] of byChannel(requests)) {
        const channel = this.#log.channels.get(name);
        const run = new RunBuilder(writer, channel.headSeq);
        this.#log.ids.prefetch(channel.id, messageIdsOf(requests, indices));
        for (const index of indices) {
          const intake = this.#intakeOf(requests[index] as AppendRequest, channel, run, nowMs, accessChanges);
          outcomes[index] = this.#take(intake, requests[index] as AppendRequest);
        }
        if (run.seqs.length === 0) continue;
        const finished = run.finish();
        this.#log.segments.append(channel.id, finished, this.#stampMs, isLarge);
        this.#log.save(channel);
        const { group = new Uint8Array() } = channel;
        appended.push({ channel: name, group, run: finished, welcomeRefs: run.welcomeRefs });
      }
      this.#log.usage.save();
    });
    return { outcomes, appended, bytes: writer.buffer.buffer as ArrayBuffer, accessChanges };
  }

  #intakeOf(
    { group, by }: AppendRequest,
    channel: Channel,
    run: RunBuilder,
    nowMs: number,
    accessChanges: AccessChange[],
  ): Intake {
    const { channels, members, usage } = this.#log;
    const publisher = by && {
      ...by,
      access: members.access(channel, by.account),
      messages: usage.messages(by.account),
    };
    const facts = { channel, channels: channels.count, publisher, nowMs, stampMs: this.#stampMs };
    return { channel, group, facts, publisher, run, accessChanges };
  }

  #take(intake: Intake, { submissions }: AppendRequest): AppendOutcome {
    const answers = submissions.map((submission) => this.#judge(intake, submission));
    if (intake.publisher === undefined) return { answers };
    return { answers, usage: { monthStartMs: this.#log.usage.monthStartMs, messages: intake.publisher.messages } };
  }

  #judge(intake: Intake, submission: Submission): PublishAnswer {
    const { channel, group, facts } = intake;
    const { ids } = this.#log;
    const { messageId } = submission;
    const refusal = refusalOf(facts, group, submission, this.#rules);
    if (refusal === undefined || !holdsForKnownId(refusal)) {
      const known = ids.find(channel.id, channel.trimmedSeq, messageId);
      if (known !== undefined) return { kind: 'accepted', seq: known, duplicate: true };
    }
    if (refusal !== undefined) return refusal;
    if (channel.id === 0) this.#log.create(channel, group);
    const seq = channel.headSeq + 1;
    ids.add(channel.id, messageId, seq);
    this.#store(intake, submission, seq);
    this.#book(intake, submission);
    return { kind: 'accepted', seq, duplicate: false };
  }

  #store({ channel, run }: Intake, submission: Submission, seq: number): void {
    const { sql } = this.#log;
    const { kind, messageId, payload, welcomes = [] } = submission;
    const storedAtMs = this.#stampMs;
    const epoch = Number(submission.epoch); // the rules let nothing above the channel's own epoch pass
    run.writer.append({ seq, prevSeq: channel.headSeq, kind, epoch, messageId, payload, storedAtMs });
    run.add(seq);
    channel.headSeq = seq;
    if (kind !== 'commit') return;
    sql.insertCommit.run([channel.id, epoch, seq]);
    channel.epoch = epoch + 1;
    for (const [part, { keyPackageRefs, payload: welcome }] of welcomes.entries()) {
      sql.insertWelcome.run([channel.id, seq, part, storedAtMs, welcome]);
      for (const ref of keyPackageRefs) {
        sql.upsertWelcomeRef.run([ref, channel.id, seq, part, storedAtMs]);
        run.welcomeRefs.push(new Uint8Array(ref)); // a view would take the whole batch along to the other thread
      }
    }
  }

  /** What storing something on an account means for the account. */
  #book({ channel, publisher, accessChanges }: Intake, { kind }: Submission): void {
    if (publisher === undefined) return;
    const { account } = publisher;
    if (kind === 'message') {
      this.#log.usage.count(account);
      publisher.messages += 1;
    }
    if (channel.isClaimed) return;
    channel.isClaimed = true;
    publisher.access = 'member';
    if (this.#log.members.add(channel, account))
      accessChanges.push({ kind: 'admitted', channel: channel.name, account });
  }
}

function* messageIdsOf(requests: readonly AppendRequest[], indices: readonly number[]): Iterable<Uint8Array> {
  for (const index of indices) for (const { messageId } of requests[index]?.submissions ?? []) yield messageId;
}

function byChannel(requests: readonly AppendRequest[]): Map<ChannelName, number[]> {
  const indices = new Map<ChannelName, number[]>();
  requests.forEach(({ channel }, index) => {
    const known = indices.get(channel);
    if (known === undefined) indices.set(channel, [index]);
    else known.push(index);
  });
  return indices;
}

function capacityFor(requests: readonly AppendRequest[]): number {
  let bytes = 0;
  for (const { submissions } of requests) {
    for (const { payload } of submissions) bytes += payload.length + ENTRY_OVERHEAD_BYTES;
  }
  return bytes;
}
