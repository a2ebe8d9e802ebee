import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { ChannelName } from '../../../base/channel-name.ts';
import type { Clock } from '../../../base/clock.ts';
import { RuntimeError } from '../../../base/errors.ts';
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
import { DEFAULT_LOG_RULES, refused } from '../log-rules.ts';
import type { LogRules } from '../log-rules.ts';
import { MemoryLog } from './memory-log.ts';

/** How {@link openMemoryEngine} keeps a log. */
export interface MemoryEngineOptions {
  /** Stamps entries. */
  readonly clock: Clock;
  readonly rules?: Partial<LogRules>;
  /** Bytes of entries and Welcomes beyond which appends are `unavailable`. Default: what retention leaves. */
  readonly maxBytes?: number;
}

/**
 * A log in the memory of this process, by the rules of all engines: for tests, and where nothing needs to outlive the relay.
 * What it acknowledges is gone when the process ends.
 */
export function openMemoryEngine(options: MemoryEngineOptions): LogEngine {
  return new MemoryEngine(options);
}

class MemoryEngine implements LogEngine {
  readonly appended$: Observable<Appended>;
  readonly accessChanges$: Observable<AccessChange>;
  readonly announcements$: Observable<Announcement>;
  readonly #appended = new Subject<Appended>();
  readonly #accessChanges = new Subject<AccessChange>();
  readonly #announcements = new Subject<Announcement>();
  readonly #clock: Clock;
  readonly #log: MemoryLog;
  #isClosed = false;

  constructor({ clock, rules, maxBytes = Number.MAX_SAFE_INTEGER }: MemoryEngineOptions) {
    this.appended$ = this.#appended.asObservable();
    this.accessChanges$ = this.#accessChanges.asObservable();
    this.announcements$ = this.#announcements.asObservable();
    this.#clock = clock;
    this.#log = new MemoryLog({ ...DEFAULT_LOG_RULES, ...rules }, maxBytes);
  }

  append(request: AppendRequest): Promise<AppendOutcome> {
    if (this.#isClosed) return Promise.resolve(unavailable(request));
    const { outcome, appended, accessChanges } = this.#log.append(request, this.#clock.now());
    this.#tell(outcome, accessChanges);
    if (appended !== undefined) this.#appended.next(appended);
    return Promise.resolve(outcome);
  }

  read(channel: ChannelName, afterSeq: number, limit: PageLimit): Promise<LogPage> {
    const nothing: LogPage = { run: undefined, resumesAtSeq: undefined, headSeq: 0 };
    return this.#ask((log) => log.channel(channel)?.read(afterSeq, limit) ?? nothing);
  }

  state(channel: ChannelName): Promise<ChannelState | undefined> {
    return this.#ask((log) => {
      const { group, headSeq = 0, epoch = 0 } = log.channel(channel) ?? {};
      return group && { group, headSeq, epoch: BigInt(epoch) };
    });
  }

  commitSeq(channel: ChannelName, epoch: bigint): Promise<number | undefined> {
    return this.#ask((log) => log.channel(channel)?.commitSeq(epoch));
  }

  welcome(keyPackageRef: Uint8Array, account?: AccountId): Promise<StoredWelcome | 'taken' | undefined> {
    return this.#ask((log) => this.#tell(...log.welcome(keyPackageRef, account)));
  }

  access(channel: ChannelName, account: AccountId): Promise<Access> {
    return this.#ask((log) => log.channel(channel)?.access(account) ?? 'unclaimed');
  }

  admit(channel: ChannelName, account: AccountId): Promise<boolean> {
    return this.#ask((log) => this.#tell(...log.admit(channel, account)));
  }

  expel(channel: ChannelName, account: AccountId): Promise<boolean> {
    return this.#ask((log) => this.#tell(...log.expel(channel, account)));
  }

  usage(account: AccountId, monthStartMs: number): Promise<Usage> {
    return this.#ask((log) => log.usage(account, monthStartMs));
  }

  announce(announcement: Announcement): void {
    this.#announcements.next(announcement);
  }

  health(): Promise<EngineHealth> {
    const { bytes, channels, isFull } = this.#log;
    const warnings = [
      ...(this.#isClosed ? ['the log is closed'] : []),
      ...(isFull ? ['the log is full: nothing is stored until retention has made room'] : []),
    ];
    const status = warnings.length === 0 ? 'ok' : 'failing';
    return Promise.resolve({ engine: 'memory', status, durability: 'process', warnings, details: { bytes, channels } });
  }

  trim(channel: ChannelName, upToSeq: number): Promise<number> {
    return this.#ask((log) => log.trim(channel, upToSeq));
  }

  trimStoredBefore(timeMs: number): Promise<number> {
    return this.#ask((log) => log.trimStoredBefore(timeMs));
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#accessChanges.complete();
    this.#announcements.complete();
    this.#appended.complete();
    return Promise.resolve();
  }

  /** Rejects where `question` throws, and when the log is closed. */
  #ask<Answer>(question: (log: MemoryLog) => Answer): Promise<Answer> {
    if (this.#isClosed) return Promise.reject(new RuntimeError('store_error', 'the log is closed'));
    return new Promise((resolve) => resolve(question(this.#log)));
  }

  #tell<Result>(result: Result, changes: readonly AccessChange[]): Result {
    for (const change of changes) this.#accessChanges.next(change);
    return result;
  }
}

function unavailable({ submissions }: AppendRequest): AppendOutcome {
  return { answers: submissions.map(() => refused('unavailable', 'the relay is shutting down', 0)) };
}
