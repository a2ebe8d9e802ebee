import { toHex } from '../../../base/bytes.ts';
import type { ChannelName } from '../../../base/channel-name.ts';
import type { PublishAnswer, Submission } from '../../../transport/index.ts';
import type { AccountId } from '../../access/principal.ts';
import { ENTRY_OVERHEAD_BYTES, EntryWriter } from '../entry-codec.ts';
import type { AccessChange, Appended, AppendOutcome, AppendRequest, StoredWelcome, Usage } from '../log-engine.ts';
import { holdsForKnownId, refusalOf, refused } from '../log-rules.ts';
import type { LogRules } from '../log-rules.ts';
import { monthStart } from '../month.ts';
import { RunBuilder } from '../run-builder.ts';
import { MemoryChannel } from './memory-channel.ts';

/** A Welcome, and whom it was handed to. */
interface KeptWelcome {
  welcome: StoredWelcome;
  storedAtMs: number;
  owner: AccountId | undefined;
  hasAdmitted: boolean;
}

/** What an append did. */
export interface MemoryOutcome {
  readonly outcome: AppendOutcome;
  readonly appended: Appended | undefined;
  readonly accessChanges: readonly AccessChange[];
}

/** The log of all channels in memory: synchronous. */
export class MemoryLog {
  readonly #rules: LogRules;
  readonly #maxBytes: number;
  readonly #channels = new Map<ChannelName, MemoryChannel>();
  /** By key package. */
  readonly #welcomes = new Map<string, KeptWelcome>();
  /** By month and account. */
  readonly #usage = new Map<number, Map<AccountId, number>>();
  #bytes = 0;
  /** Never goes back, whatever the wall clock does. */
  #stampMs = 0;

  constructor(rules: LogRules, maxBytes: number) {
    this.#rules = rules;
    this.#maxBytes = maxBytes;
  }

  get channels(): number {
    return this.#channels.size;
  }

  /** Bytes of entries and Welcomes. */
  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes;
  }

  channel(name: ChannelName): MemoryChannel | undefined {
    return this.#channels.get(name);
  }

  append({ channel: name, group, submissions, by }: AppendRequest, clockMs: number): MemoryOutcome {
    const nowMs = Math.floor(clockMs);
    this.#stampMs = Math.max(this.#stampMs, nowMs);
    const stampMs = this.#stampMs;
    const monthStartMs = monthStart(stampMs);
    const channel = this.#channels.get(name) ?? new MemoryChannel(name);
    const capacity = submissions.reduce((sum, { payload }) => sum + payload.length + ENTRY_OVERHEAD_BYTES, 0);
    const run = new RunBuilder(new EntryWriter(capacity), channel.headSeq);
    const accessChanges: AccessChange[] = [];
    const publisher = by && {
      ...by,
      access: channel.access(by.account),
      messages: this.usage(by.account, monthStartMs).messages,
    };
    const facts = { channel, channels: this.#channels.size, publisher, nowMs, stampMs };

    const judge = (submission: Submission): PublishAnswer => {
      const known = channel.seqOf(submission.messageId);
      const refusal = refusalOf(facts, group, submission, this.#rules);
      if (known !== undefined && (refusal === undefined || !holdsForKnownId(refusal))) {
        return { kind: 'accepted', seq: known, duplicate: true };
      }
      if (refusal !== undefined) return refusal;
      if (this.isFull) return refused('unavailable', 'the log is full', 0);
      channel.group ??= new Uint8Array(group);
      this.#channels.set(name, channel);
      const { seq, bytes } = channel.append(submission, stampMs, run);
      this.#bytes += bytes.length;
      this.#keepWelcomes(submission, name, seq, run);
      if (publisher !== undefined) {
        if (submission.kind === 'message') publisher.messages += 1;
        if (!channel.isClaimed) {
          channel.isClaimed = true;
          publisher.access = 'member';
          accessChanges.push(...this.#admit(channel, publisher.account));
        }
      }
      return { kind: 'accepted', seq, duplicate: false };
    };

    const answers = submissions.map(judge);
    const usage = publisher && { monthStartMs, messages: publisher.messages };
    if (publisher !== undefined) this.#month(monthStartMs).set(publisher.account, publisher.messages);
    return {
      outcome: usage === undefined ? { answers } : { answers, usage },
      appended:
        run.seqs.length === 0
          ? undefined
          : { channel: name, group: channel.group ?? group, run: run.finish(), welcomeRefs: run.welcomeRefs },
      accessChanges,
    };
  }

  usage(account: AccountId, monthStartMs: number): Usage {
    return { monthStartMs, messages: this.#usage.get(monthStartMs)?.get(account) ?? 0 };
  }

  welcome(ref: Uint8Array, account: AccountId | undefined): [StoredWelcome | 'taken' | undefined, AccessChange[]] {
    const kept = this.#welcomes.get(toHex(ref));
    if (kept === undefined || account === undefined) return [kept?.welcome, []];
    if (kept.owner !== undefined && kept.owner !== account) return ['taken', []];
    const channel = this.#channels.get(kept.welcome.channel);
    const accessChanges = kept.hasAdmitted || channel === undefined ? [] : this.#admit(channel, account);
    kept.owner = account;
    kept.hasAdmitted = true;
    return [kept.welcome, accessChanges];
  }

  admit(name: ChannelName, account: AccountId): [boolean, AccessChange[]] {
    const channel = this.#channels.get(name);
    if (channel?.isClaimed !== true) return [false, []];
    return [true, this.#admit(channel, account)];
  }

  expel(name: ChannelName, account: AccountId): [boolean, AccessChange[]] {
    const wasMember = this.#channels.get(name)?.members.delete(account) ?? false;
    return [wasMember, wasMember ? [{ kind: 'expelled', channel: name, account }] : []];
  }

  trim(name: ChannelName, upToSeq: number): number {
    const gone = this.#channels.get(name)?.trim(({ seq }) => seq <= upToSeq);
    this.#bytes -= gone?.bytes ?? 0;
    return gone?.entries ?? 0;
  }

  trimStoredBefore(timeMs: number): number {
    let entries = 0;
    for (const channel of this.#channels.values()) {
      const gone = channel.trim(({ storedAtMs }) => storedAtMs < timeMs);
      this.#bytes -= gone.bytes;
      entries += gone.entries;
    }
    for (const [ref, { storedAtMs, welcome }] of this.#welcomes) {
      if (storedAtMs >= timeMs) continue;
      this.#welcomes.delete(ref);
      this.#bytes -= welcome.payload.length;
    }
    return entries;
  }

  #keepWelcomes({ welcomes = [] }: Submission, channel: ChannelName, commitSeq: number, run: RunBuilder): void {
    for (const { keyPackageRefs, payload } of welcomes) {
      const welcome = { channel, commitSeq, payload: new Uint8Array(payload) };
      for (const ref of keyPackageRefs) {
        const earlier = this.#welcomes.get(toHex(ref));
        this.#bytes += payload.length - (earlier?.welcome.payload.length ?? 0);
        // Who was handed one for this key package stays its owner.
        const owner = earlier?.owner;
        this.#welcomes.set(toHex(ref), { welcome, storedAtMs: this.#stampMs, owner, hasAdmitted: false });
        run.welcomeRefs.push(new Uint8Array(ref));
      }
    }
  }

  #admit(channel: MemoryChannel, account: AccountId): AccessChange[] {
    if (channel.members.has(account)) return [];
    channel.members.add(account);
    return [{ kind: 'admitted', channel: channel.name, account }];
  }

  #month(monthStartMs: number): Map<AccountId, number> {
    const month = this.#usage.get(monthStartMs) ?? new Map<AccountId, number>();
    this.#usage.set(monthStartMs, month);
    return month;
  }
}
