import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { toHex } from '../../../base/bytes.ts';
import type { ChannelName } from '../../../base/channel-name.ts';
import { sleepUnlessAborted } from '../../../base/clock.ts';
import { RuntimeError } from '../../../base/errors.ts';
import type { PublishAnswer } from '../../../transport/index.ts';
import type { AccountId } from '../../access/principal.ts';
import type {
  Access,
  AccessChange,
  Announcement,
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
import { monthStart } from '../month.ts';
import { Announcer } from './announcer.ts';
import { AppendDesk, unavailable } from './append-desk.ts';
import type { CountInShard } from './append-desk.ts';
import { ChannelPlaces } from './channel-places.ts';
import { readPage, runOf } from './entry-reader.ts';
import { natsHealth } from './health.ts';
import type { LogRecord } from './log-record.ts';
import type { NatsLink } from './nats-link.ts';
import type { NatsEngineSettings } from './nats-options.ts';
import { QuotaLedger } from './quota-ledger.ts';
import { encodeRecord } from './record-codec.ts';
import { RecordReader } from './record-reader.ts';
import { RecordWriter } from './record-writer.ts';
import { Retention } from './retention.ts';
import { Shard } from './shard.ts';
import type { Folded } from './shard-fold.ts';
import { SnapshotStore } from './snapshot-store.ts';
import { SnapshotTimer } from './snapshot-timer.ts';
import { openStreams } from './streams.ts';
import { SubjectNames } from './subjects.ts';
import { WelcomeReader } from './welcome-reader.ts';

/** Records take no more submissions beyond this, also where the server would take more. A larger submission travels alone. */
const MAX_RECORD_BYTES = 512 * 1024;
/** Records that the server may send ahead over all shards: with that many of the largest it is at its own limit of 64 MiB. */
const MAX_AHEAD = 128;
/** What the server counts beside a record's bytes: subject and headers. */
const MESSAGE_OVERHEAD_BYTES = 2048;
/** How long closing waits for the servers to take what was submitted. */
const CLOSE_PATIENCE_MS = 10_000;

/** The engine on a connection. {@link NatsEngine.open} before use. */
export class NatsEngine implements LogEngine {
  readonly appended$: Observable<Appended>;
  readonly accessChanges$: Observable<AccessChange>;
  readonly announcements$: Observable<Announcement>;
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
  readonly #places: ChannelPlaces;
  readonly #welcomes: WelcomeReader;
  readonly #desk: AppendDesk;
  readonly #announcer: Announcer;
  readonly #givingUp = new AbortController();
  #shards: Shard[] = [];
  #snapshotTimer: SnapshotTimer | undefined;
  #isOpen = false;
  #failure: RuntimeError | undefined;
  #closing: Promise<void> | undefined;

  constructor(link: NatsLink, settings: NatsEngineSettings) {
    this.appended$ = this.#appended.asObservable();
    this.accessChanges$ = this.#accessChanges.asObservable();
    this.#link = link;
    this.#settings = settings;
    this.#names = new SubjectNames(settings.name, settings.shards);
    this.#announcer = new Announcer({
      link,
      subject: this.#names.announcements,
      clock: settings.clock,
      id: toHex(this.#freshId()),
      onWarning: settings.onWarning,
    });
    this.announcements$ = this.#announcer.announcements$;
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
    this.#places = new ChannelPlaces(
      () => this.#shards,
      (channel) => this.#shardOf(channel),
      settings.rules.maxChannels,
    );
    this.#welcomes = new WelcomeReader(
      () => this.#shards,
      this.#reader,
      (shard, claim) =>
        this.#write(shard, this.#names.record(claim.channel, 'members'), { ...claim, id: this.#freshId() }),
    );
    this.#desk = new AppendDesk({
      names: this.#names,
      writer: this.#writer,
      ledger: this.#ledger,
      isUp: () => link.isUp && this.#failure === undefined,
      freshId: () => this.#freshId(),
      planContext: (channel) => ({
        channels: this.#places.against(channel),
        rules: settings.rules,
        nowMs: settings.clock.now(),
        stampMs: this.#stampMs(),
        maxPayloadBytes: link.maxPayload - MESSAGE_OVERHEAD_BYTES,
      }),
      forget: (channel) => this.#places.release(channel),
      maxRecordBytes: () => Math.min(MAX_RECORD_BYTES, link.maxPayload - MESSAGE_OVERHEAD_BYTES),
      shardOf: (channel) => this.#shardOf(channel),
      outcome: (request, answers, at) => this.#outcome(request, answers, at),
    });
  }

  /** Creates or checks the streams, and reads them to their ends. */
  async open(): Promise<void> {
    const { clock, idWindow, onWarning } = this.#settings;
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
      if (!isUp) this.#desk.refuseWaiting('there is no connection to the log just now');
    });
    this.#snapshotTimer = new SnapshotTimer(this.#shards, this.#settings);
    this.#isOpen = true;
  }

  append(request: AppendRequest): Promise<AppendOutcome> {
    if (this.#closing !== undefined) return Promise.resolve(unavailable(request, 'the relay is shutting down'));
    return this.#desk.append(request);
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
    return this.#welcomes.read(keyPackageRef, account);
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

  announce(announcement: Announcement): void {
    this.#announcer.announce(announcement);
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
    this.#announcer.stop();
    const patience = new AbortController();
    const idle = this.#desk.idle();
    await Promise.race([idle, sleepUnlessAborted(clock, CLOSE_PATIENCE_MS, patience.signal)]);
    patience.abort();
    this.#givingUp.abort();
    await idle;
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
    this.#announcer.complete();
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
    this.#desk.refuseWaiting('the log has failed');
    if (!this.#isOpen) return;
    this.#appended.error(error);
    this.#accessChanges.error(error);
    this.#announcer.fail(error);
  }

  /** @param at what the account had stored in the channel's shard when the last submission was judged, if it was */
  #outcome({ by }: AppendRequest, answers: readonly PublishAnswer[], at?: CountInShard): AppendOutcome {
    if (by === undefined) return { answers };
    const monthStartMs = monthStart(this.#stampMs());
    const messages = this.#stored(by.account, monthStartMs);
    const since = at === undefined ? 0 : at.shard.fold.usage.of(by.account, monthStartMs) - at.count;
    return { answers, usage: { monthStartMs, messages: messages - Math.max(0, since) } };
  }

  #stored(account: AccountId, monthStartMs: number): number {
    return this.#shards.reduce((sum, { fold }) => sum + fold.usage.of(account, monthStartMs), 0);
  }

  /** Never goes back, whatever the wall clock does. */
  #stampMs(): number {
    return Math.max(Math.floor(this.#settings.clock.now()), ...this.#shards.map(({ fold }) => fold.lastStampMs));
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
