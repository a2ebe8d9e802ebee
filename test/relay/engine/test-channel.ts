import type { ChannelName } from '../../../src/base/channel-name.ts';
import type { AccountId } from '../../../src/relay/access/principal.ts';
import type {
  Access,
  AccessChange,
  Appended,
  AppendOutcome,
  ChannelState,
  LogEngine,
  LogPage,
  PageLimit,
  Publisher,
} from '../../../src/relay/engine/log-engine.ts';
import type { LogEntry, PublishAnswer, Submission } from '../../../src/transport/index.ts';
import { entriesOf } from '../support/runs.ts';
import { GROUP } from '../support/submissions.ts';

/** A page that holds all that a test stores. */
export const PAGE: PageLimit = { entries: 1000, bytes: 1024 * 1024 };

/** One channel of an engine, as one publisher uses it. */
export class TestChannel {
  readonly engine: LogEngine;
  readonly channel: ChannelName;
  readonly group: Uint8Array;
  readonly by: Publisher | undefined;

  constructor(engine: LogEngine, channel: ChannelName, group: Uint8Array = GROUP, by?: Publisher) {
    this.engine = engine;
    this.channel = channel;
    this.group = group;
    this.by = by;
  }

  /** The same channel, used on an account. */
  as(account: AccountId, messagesPerMonth?: number): TestChannel {
    return new TestChannel(this.engine, this.channel, this.group, { account, messagesPerMonth });
  }

  /** The same channel, used by another MLS group. */
  of(group: Uint8Array): TestChannel {
    return new TestChannel(this.engine, this.channel, group, this.by);
  }

  /** Another channel of the same engine, used in the same way. */
  at(channel: ChannelName): TestChannel {
    return new TestChannel(this.engine, channel, this.group, this.by);
  }

  outcome(...submissions: readonly Submission[]): Promise<AppendOutcome> {
    const { channel, group, by } = this;
    return this.engine.append({ channel, group, submissions, ...(by === undefined ? {} : { by }) });
  }

  async append(...submissions: readonly Submission[]): Promise<readonly PublishAnswer[]> {
    return (await this.outcome(...submissions)).answers;
  }

  /** Appends what must be accepted; resolves to the numbers it got. */
  async store(...submissions: readonly Submission[]): Promise<number[]> {
    return seqsOf(await this.append(...submissions));
  }

  /** What becomes of submissions, in words: `stored`, `known`, or the reason and epoch of the refusal. */
  async verdicts(...submissions: readonly Submission[]): Promise<string[]> {
    return verdictsOf(await this.append(...submissions));
  }

  read(afterSeq = 0, limit: PageLimit = PAGE): Promise<LogPage> {
    return this.engine.read(this.channel, afterSeq, limit);
  }

  async entries(afterSeq = 0): Promise<LogEntry[]> {
    return entriesOf((await this.read(afterSeq)).run);
  }

  state(): Promise<ChannelState | undefined> {
    return this.engine.state(this.channel);
  }

  access(account: AccountId): Promise<Access> {
    return this.engine.access(this.channel, account);
  }

  admit(account: AccountId): Promise<boolean> {
    return this.engine.admit(this.channel, account);
  }

  expel(account: AccountId): Promise<boolean> {
    return this.engine.expel(this.channel, account);
  }

  /** What is told of this channel from now on, as it comes. */
  appended(): Appended[] {
    const told: Appended[] = [];
    this.engine.appended$.subscribe({
      next: (appended) => {
        const { channel, run } = appended;
        // The engine may use the buffer of the bytes again.
        if (channel === this.channel) told.push({ ...appended, run: { ...run, bytes: new Uint8Array(run.bytes) } });
      },
    });
    return told;
  }

  /** Who comes to this channel and is taken from it from now on: `admitted account-1`. */
  accessChanges(): string[] {
    const told: string[] = [];
    this.engine.accessChanges$.subscribe({
      next: ({ kind, channel, account }: AccessChange) => {
        if (channel === this.channel) told.push(`${kind} ${account}`);
      },
    });
    return told;
  }
}

/** The numbers of answers that are all acceptances. */
export function seqsOf(answers: readonly PublishAnswer[]): number[] {
  return answers.map((answer) => {
    if (answer.kind === 'refused') throw new Error(`refused: ${answer.reason}, ${answer.detail}`);
    return answer.seq;
  });
}

export function verdictsOf(answers: readonly PublishAnswer[]): string[] {
  return answers.map((answer) => {
    if (answer.kind === 'refused') return `${answer.reason}@${answer.currentEpoch}`;
    return answer.duplicate ? 'known' : 'stored';
  });
}

/** How often each value occurs. */
export function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
