import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { ChannelName } from '../../../base/channel-name.ts';
import { sleepUnlessAborted } from '../../../base/clock.ts';
import { RuntimeError } from '../../../base/errors.ts';
import type { PublishAnswer } from '../../../transport/index.ts';
import type { AccountId } from '../../access/principal.ts';
import type {
  Access,
  AccessChange,
  Appended,
  AppendOutcome,
  AppendRequest,
  ChannelState,
  EngineHealth,
  LogEngine,
  LogPage,
  PageLimit,
  StoredWelcome,
  Usage,
} from '../log-engine.ts';
import { refused } from '../log-rules.ts';
import { monthStart } from '../month.ts';
import type { Item } from './append-plan.ts';
import { AppendQueue } from './append-queue.ts';
import type { AppendContext } from './append-queue.ts';
import { readPage, runOf } from './entry-reader.ts';
import { natsHealth } from './health.ts';
import type { LogRecord } from './log-record.ts';
import { NatsLink } from './nats-link.ts';
import { resolveNatsOptions } from './nats-options.ts';
import type { NatsEngineOptions, NatsEngineSettings } from './nats-options.ts';
import { QuotaLedger } from './quota-ledger.ts';
import { encodeRecord } from './record-codec.ts';
import { RecordReader, submissionAt } from './record-reader.ts';
import { RecordWriter } from './record-writer.ts';
import { Retention } from './retention.ts';
import { versionWarning } from './server-version.ts';
import { Shard } from './shard.ts';
import type { Folded } from './shard-fold.ts';
import { SnapshotStore } from './snapshot-store.ts';
import { SnapshotTimer } from './snapshot-timer.ts';
import { openStreams } from './streams.ts';
import { SubjectNames } from './subjects.ts';
import { isTransient } from './transient.ts';
import type { WelcomeFact } from './welcome-fold.ts';

/** Requests that wait for the log; beyond that they are answered `unavailable`. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** Records take no more submissions beyond this, also where the server would take more. A larger submission travels alone. */
const MAX_RECORD_BYTES = 512 * 1024;
/** Records that the server may send ahead over all shards: with that many of the largest it is at its own limit of 64 MiB. */
const MAX_AHEAD = 128;
/** What the server counts beside a record's bytes: subject and headers. */
const MESSAGE_OVERHEAD_BYTES = 2048;
const RETRY_OPEN_MS = 500;
/** How long closing waits for the servers to take what was submitted. */
const CLOSE_PATIENCE_MS = 10_000;

/**
 * The log on NATS JetStream, for several relays over one log. Channels are spread over a number of streams. In each, every
 * relay reads the same records in the same order and judges them by the same rules, so all relays agree on what is in the log,
 * on every sequence number and on who may do what, without talking to each other. What is acknowledged was stored by the
 * servers and read back.
 *
 * Beyond what {@link LogEngine} says:
 *
 * - Sequence numbers rise with holes between them.
 * - Message ids are recognised among the newest `idWindow` to twice that many of a shard.
 * - `maxChannels` is held by each relay as far as it has read; relays that create channels at the same moment may go beyond.
 * - A submission whose fate the servers leave open is tried again until it is known, also across lost connections. Only if
 *   the engine is closed before, it is answered `unavailable` and may be in the log.
 *
 * @throws {@link RuntimeError} `invalid_argument` for options out of range or other than those that the log was created with;
 * `store_error` if the servers cannot be reached, are too old or cannot hold the log; `store_damaged`, `data_dir_version` if
 * the log is not what a relay of this version can read.
 */
export async function openNatsEngine(options: NatsEngineOptions): Promise<LogEngine> {
  const settings = resolveNatsOptions(options);
  const { clock, openPatienceMs, onWarning } = settings;
  for (let waitedMs = 0; ; waitedMs += RETRY_OPEN_MS) {
    try {
      return await openOnce(options, settings);
    } catch (error) {
      const failure =
        error instanceof RuntimeError
          ? error
          : new RuntimeError('store_error', 'the log on nats-server cannot be opened', { cause: error });
      if (waitedMs >= openPatienceMs || !isTransient(failure)) throw failure;
      if (waitedMs === 0) onWarning(`${failure.message}; trying again for ${openPatienceMs / 1000} s`);
    }
    await new Promise<void>((resolve) => clock.schedule(RETRY_OPEN_MS, resolve));
  }
}

async function openOnce(options: NatsEngineOptions, settings: NatsEngineSettings): Promise<LogEngine> {
  const engine = new NatsEngine(await NatsLink.connect(options, settings.onWarning), settings);
  try {
    await engine.open();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

class NatsEngine implements LogEngine {
  readonly appended$: Observable<Appended>;
  readonly accessChanges$: Observable<AccessChange>;
  readonly #appended = new Subject<Appended>();
  readonly #accessChanges = new Subject<AccessChange>();
  readonly #link: NatsLink;
  readonly #settings: NatsEngineSettings;
  readonly #names: SubjectNames;
  readonly #snapshots: SnapshotStore;
  readonly #reader: RecordReader;
  readonly #writer: RecordWriter;
  readonly #ledger: QuotaLedger;
  readonly #retention: Retention;
  readonly #queues = new Map<ChannelName, AppendQueue>();
  readonly #appendContext: AppendContext;
  /** New channels in which something is about to be stored. */
  readonly #founding = new Set<ChannelName>();
  readonly #givingUp = new AbortController();
  #shards: Shard[] = [];
  #snapshotTimer: SnapshotTimer | undefined;
  #queuedBytes = 0;
  #isOpen = false;
  #failure: RuntimeError | undefined;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(link: NatsLink, settings: NatsEngineSettings) {
    this.appended$ = this.#appended.asObservable();
    this.accessChanges$ = this.#accessChanges.asObservable();
    this.#link = link;
    this.#settings = settings;
    this.#names = new SubjectNames(settings.name, settings.shards);
    this.#snapshots = new SnapshotStore(link, this.#names);
    this.#reader = new RecordReader(link);
    this.#writer = new RecordWriter(link, settings.clock, this.#givingUp.signal);
    this.#retention = new Retention(link, this.#writer, this.#names, () => this.#freshId(), settings.onWarning);
    this.#ledger = new QuotaLedger({
      link,
      names: this.#names,
      clock: settings.clock,
      reservationMs: settings.reservationMs,
      stored: (account, monthStartMs) => this.#stored(account, monthStartMs),
      sync: () => this.#syncAll(),
    });
    this.#appendContext = {
      names: this.#names,
      writer: this.#writer,
      ledger: this.#ledger,
      isUp: () => link.isUp && this.#failure === undefined,
      freshId: () => this.#freshId(),
      planContext: (channel) => ({
        channels: this.#channelsAgainst(channel),
        rules: settings.rules,
        nowMs: settings.clock.now(),
        stampMs: this.#stampMs(),
        maxPayloadBytes: link.maxPayload - MESSAGE_OVERHEAD_BYTES,
      }),
      maxRecordBytes: () => this.#maxRecordBytes(),
    };
  }

  async open(): Promise<void> {
    const { clock, idWindow, onWarning } = this.#settings;
    const outdated = versionWarning(this.#link.serverVersion);
    if (outdated !== undefined) onWarning(outdated);
    await openStreams(this.#link.manager, this.#names, this.#settings);
    for (const warning of (await this.health()).warnings) onWarning(warning);
    const opened = await Promise.allSettled(
      Array.from({ length: this.#settings.shards }, (_, index) =>
        Shard.open({
          index,
          stream: this.#names.shard(index),
          link: this.#link,
          clock,
          snapshots: this.#snapshots,
          idWindow,
          ahead: Math.max(4, Math.min(32, Math.floor(MAX_AHEAD / this.#settings.shards))),
          listener: {
            folded: (record, folded) => this.#folded(record, folded),
            warned: onWarning,
            failed: (error) => this.#fail(error),
          },
        }),
      ),
    );
    this.#shards = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = opened.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    this.#link.onChange((isUp) => {
      if (isUp) return;
      for (const queue of this.#queues.values()) queue.refuseWaiting('there is no connection to the log just now');
    });
    this.#snapshotTimer = new SnapshotTimer(this.#shards, this.#settings);
    this.#isOpen = true;
  }

  append(request: AppendRequest): Promise<AppendOutcome> {
    const { channel, group, submissions, by } = request;
    if (this.#closing !== undefined) return Promise.resolve(unavailable(request, 'the relay is shutting down'));
    if (submissions.length === 0) return Promise.resolve(this.#outcome([], by?.account));
    if (!this.#appendContext.isUp()) {
      return Promise.resolve(unavailable(request, 'there is no connection to the log just now'));
    }
    const bytes = requestBytes(request);
    if (this.#queuedBytes + bytes > MAX_QUEUED_BYTES) {
      return Promise.resolve(unavailable(request, 'too much waits for the log already'));
    }
    this.#queuedBytes += bytes;
    return new Promise((resolve) => {
      const answers = new Array<PublishAnswer>(submissions.length);
      let open = submissions.length;
      let inShard = 0;
      const items = submissions.map(
        (submission, index): Item => ({
          group,
          by,
          submission,
          answer: (answer, count) => {
            answers[index] = answer;
            inShard = Math.max(inShard, count ?? 0);
            open -= 1;
            if (open > 0) return;
            this.#queuedBytes -= bytes;
            resolve(this.#outcome(answers, by?.account, inShard === 0 ? undefined : { channel, count: inShard }));
          },
        }),
      );
      this.#queueOf(channel).push(items);
    });
  }

  async read(channel: ChannelName, afterSeq: number, limit: PageLimit): Promise<LogPage> {
    this.#requireOpen();
    const shard = this.#shardOf(channel);
    const fold = shard.fold.channels.get(channel);
    if (fold === undefined) return { run: undefined, resumesAtSeq: undefined, headSeq: 0 };
    return readPage(this.#reader, shard.stream, fold, afterSeq, limit);
  }

  async state(channel: ChannelName): Promise<ChannelState | undefined> {
    const fold = (await this.#synced(channel)).fold.channels.get(channel);
    if (fold === undefined) return undefined;
    return { group: fold.group, headSeq: fold.headSeq, epoch: BigInt(fold.epoch) };
  }

  async commitSeq(channel: ChannelName, epoch: bigint): Promise<number | undefined> {
    if (epoch > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    const { fold } = await this.#synced(channel);
    return fold.channels.get(channel)?.commitSeqs[Number(epoch)];
  }

  async welcome(keyPackageRef: Uint8Array, account?: AccountId): Promise<StoredWelcome | 'taken' | undefined> {
    this.#requireOpen();
    for (;;) {
      const found = this.#findWelcome(keyPackageRef);
      if (found === undefined) return undefined;
      const { shard, fact } = found;
      const { channel, commitSeq } = fact;
      if (account === undefined || (fact.taker === account && fact.isHanded)) {
        const payload = await this.#welcomePayload(shard, fact);
        return payload === undefined ? undefined : { channel, commitSeq, payload };
      }
      if (fact.taker !== undefined && fact.taker !== account) return 'taken';
      await this.#write(shard, this.#names.record(channel, 'members'), {
        kind: 'claim',
        id: this.#freshId(),
        channel,
        account,
        keyPackageRef,
      });
    }
  }

  async access(channel: ChannelName, account: AccountId): Promise<Access> {
    const { fold } = await this.#synced(channel);
    return fold.channels.get(channel)?.accessOf(account) ?? 'unclaimed';
  }

  async admit(channel: ChannelName, account: AccountId): Promise<boolean> {
    const shard = await this.#synced(channel);
    const fold = shard.fold.channels.get(channel);
    if (fold?.isClaimed !== true) return false;
    if (fold.members.has(account)) return true;
    return (await this.#changeMember('admit', shard, channel, account)) === 1;
  }

  async expel(channel: ChannelName, account: AccountId): Promise<boolean> {
    const shard = await this.#synced(channel);
    if (shard.fold.channels.get(channel)?.accessOf(account) !== 'member') return false;
    return (await this.#changeMember('expel', shard, channel, account)) === 1;
  }

  async usage(account: AccountId, monthStartMs: number): Promise<Usage> {
    this.#requireOpen();
    await this.#syncAll();
    return { monthStartMs, messages: this.#stored(account, monthStartMs) };
  }

  async health(): Promise<EngineHealth> {
    return natsHealth(this.#link, this.#names, this.#settings, this.#shards, this.#failure);
  }

  async trim(channel: ChannelName, upToSeq: number): Promise<number> {
    return this.#retention.trimChannel(await this.#synced(channel), channel, upToSeq);
  }

  async trimStoredBefore(timeMs: number): Promise<number> {
    this.#requireOpen();
    await this.#syncAll();
    let count = 0;
    for (const shard of this.#shards) count += await this.#retention.trimStoredBefore(shard, timeMs);
    return count;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock, onWarning } = this.#settings;
    this.#snapshotTimer?.close();
    if (this.#queues.size > 0) {
      const patience = new AbortController();
      const idle = new Promise<void>((resolve) => (this.#idle = resolve));
      await Promise.race([idle, sleepUnlessAborted(clock, CLOSE_PATIENCE_MS, patience.signal)]);
      patience.abort();
      this.#givingUp.abort();
      await idle;
    }
    this.#givingUp.abort();
    const isUsable = this.#isOpen && this.#link.isUp && this.#failure === undefined;
    await this.#ledger.close(isUsable);
    if (isUsable) {
      await this.#retention.settled();
      const saved = await Promise.allSettled(this.#shards.map((shard) => shard.saveSnapshot()));
      if (saved.some(({ status }) => status === 'rejected')) onWarning('the state of the log was not written down');
    }
    const closing = this.#shards.map((shard) => shard.close());
    await this.#link.close();
    await Promise.all(closing);
    if (this.#failure !== undefined) return;
    this.#appended.complete();
    this.#accessChanges.complete();
  }

  #folded(record: LogRecord, { entries, channel, accessChanges }: Folded): void {
    if (!this.#isOpen) return;
    if (channel !== undefined && entries.length > 0) {
      const storedAtMs = record.kind === 'append' ? record.storedAtMs : 0;
      const fields = entries.map(({ seq, prevSeq, submission: { kind, epoch, messageId, payload } }) => ({
        ...{ seq, prevSeq, kind, epoch, messageId, storedAtMs },
        payload: payload ?? new Uint8Array(),
      }));
      const welcomeRefs = entries.flatMap(({ submission }) =>
        submission.welcomes.flatMap(({ keyPackageRefs }) => keyPackageRefs.map((ref) => new Uint8Array(ref))),
      );
      this.#appended.next({ channel: channel.name, group: channel.group, run: runOf(fields), welcomeRefs });
    }
    for (const change of accessChanges) this.#accessChanges.next(change);
  }

  #fail(error: RuntimeError): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return;
    this.#failure = error;
    this.#givingUp.abort();
    for (const queue of this.#queues.values()) queue.refuseWaiting('the log has failed');
    if (!this.#isOpen) return;
    this.#appended.error(error);
    this.#accessChanges.error(error);
  }

  #queueOf(channel: ChannelName): AppendQueue {
    let queue = this.#queues.get(channel);
    if (queue === undefined) {
      queue = new AppendQueue(channel, this.#shardOf(channel), this.#appendContext, () => {
        this.#queues.delete(channel);
        this.#founding.delete(channel);
        if (this.#queues.size === 0) this.#idle?.();
      });
      this.#queues.set(channel, queue);
    }
    return queue;
  }

  /** @param at what the account had stored in the channel's shard when the last submission was judged, if it was */
  #outcome(
    answers: readonly PublishAnswer[],
    account: AccountId | undefined,
    at?: { readonly channel: ChannelName; readonly count: number },
  ): AppendOutcome {
    if (account === undefined) return { answers };
    const monthStartMs = monthStart(this.#stampMs());
    const messages = this.#stored(account, monthStartMs);
    if (at === undefined) return { answers, usage: { monthStartMs, messages } };
    const since = this.#shardOf(at.channel).fold.usage.of(account, monthStartMs) - at.count;
    return { answers, usage: { monthStartMs, messages: messages - Math.max(0, since) } };
  }

  /** How many channels stand against one, which takes a place if it is new and there is one. */
  #channelsAgainst(channel: ChannelName): number {
    if (this.#shardOf(channel).fold.channels.has(channel) || this.#founding.has(channel)) return 0;
    let count = this.#shards.reduce((sum, { fold }) => sum + fold.channels.size, 0);
    for (const other of this.#founding) if (!this.#shardOf(other).fold.channels.has(other)) count += 1;
    if (count < this.#settings.rules.maxChannels) this.#founding.add(channel);
    return count;
  }

  #stored(account: AccountId, monthStartMs: number): number {
    return this.#shards.reduce((sum, { fold }) => sum + fold.usage.of(account, monthStartMs), 0);
  }

  /** Never goes back, whatever the wall clock does. */
  #stampMs(): number {
    return Math.max(Math.floor(this.#settings.clock.now()), ...this.#shards.map(({ fold }) => fold.lastStampMs));
  }

  #maxRecordBytes(): number {
    return Math.min(MAX_RECORD_BYTES, this.#link.maxPayload - MESSAGE_OVERHEAD_BYTES);
  }

  /** The latest one over all shards. */
  #findWelcome(keyPackageRef: Uint8Array): { readonly shard: Shard; readonly fact: WelcomeFact } | undefined {
    let latest: { shard: Shard; fact: WelcomeFact } | undefined;
    for (const shard of this.#shards) {
      const fact = shard.fold.welcomes.get(keyPackageRef);
      if (fact !== undefined && fact.stampMs >= (latest?.fact.stampMs ?? 0)) latest = { shard, fact };
    }
    return latest;
  }

  async #welcomePayload({ stream }: Shard, { commitSeq, place }: WelcomeFact): Promise<Uint8Array | undefined> {
    if (typeof place === 'number') {
      const record = await this.#reader.record(stream, Math.floor(commitSeq / 256));
      const content = record === undefined ? undefined : submissionAt(record, commitSeq).welcomes[place]?.content;
      return content instanceof Uint8Array ? new Uint8Array(content) : undefined;
    }
    const pieces = await Promise.all(place.map((position) => this.#reader.bytes(stream, position)));
    const whole = pieces.filter((piece) => piece !== undefined);
    return whole.length < pieces.length ? undefined : new Uint8Array(Buffer.concat(whole));
  }

  #changeMember(kind: 'admit' | 'expel', shard: Shard, channel: ChannelName, account: AccountId): Promise<number> {
    const record: LogRecord = { kind, id: this.#freshId(), channel, account };
    return this.#write(shard, this.#names.record(channel, 'members'), record);
  }

  async #write(shard: Shard, subject: string, record: LogRecord): Promise<number> {
    const result = await this.#writer.write(shard, { id: record.id, subject, bytes: encodeRecord(record) });
    if (result.kind === 'written') return result.folded.count;
    throw new RuntimeError('store_error', 'the log cannot be written just now');
  }

  async #synced(channel: ChannelName): Promise<Shard> {
    this.#requireOpen();
    const shard = this.#shardOf(channel);
    await shard.sync();
    return shard;
  }

  async #syncAll(): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.sync()));
  }

  #shardOf(channel: ChannelName): Shard {
    return this.#shards[this.#names.shardOf(channel)] as Shard;
  }

  #freshId(): Uint8Array {
    return this.#settings.random.bytes(16);
  }

  #requireOpen(): void {
    if (this.#closing !== undefined || this.#failure !== undefined) {
      throw new RuntimeError('store_error', 'the log is closed');
    }
  }
}

function unavailable({ submissions }: AppendRequest, detail: string): AppendOutcome {
  return { answers: submissions.map(() => refused('unavailable', detail, 0n)) };
}

function requestBytes({ group, submissions }: AppendRequest): number {
  let bytes = group.length;
  for (const { payload, welcomes = [] } of submissions) {
    bytes += payload.length + 128;
    for (const welcome of welcomes) bytes += welcome.payload.length;
  }
  return bytes;
}
