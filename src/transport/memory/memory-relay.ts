import { toHex } from '../../base/bytes.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { checkInteger } from '../../base/check.ts';
import { systemClock } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { TransportError } from '../../base/errors.ts';
import type { LogEntry, NoticeTopic, RelayTransport, WelcomeDelivery } from '../relay-transport.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryDoor } from './memory-door.ts';
import type { MemoryClient, MemoryHub } from './memory-hub.ts';
import { MemoryTransport } from './memory-transport.ts';

/** Options of {@link createMemoryRelay}. */
export interface MemoryRelayOptions {
  /** Stamps the entries. Default the machine's. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Whether clients reach it from the start. Default true. */
  readonly isOnline?: boolean;
  /** Largest payload that is accepted, in bytes. Default 262,144. */
  readonly maxPayloadBytes?: number;
  /** Messages that an account, or a client without one, may publish in a calendar month (UTC). Default any number. */
  readonly messagesPerMonth?: number;
}

/** A relay in this process, for tests and simulations. */
export interface MemoryRelay {
  /**
   * A transport of a client of its own. One with an `account` authenticates as it: the channels that it creates are open
   * only to accounts that were handed a Welcome. One without goes everywhere.
   */
  connect(account?: string): RelayTransport;
  /** Tells those who may read the channel, and are connected, that there is something new for its members. */
  announce(channel: ChannelName, topic: NoticeTopic): void;
  /** An account may not use the channel any more. */
  expel(channel: ChannelName, account: string): void;
  /** The next so many messages, of whomever, are refused as `rate-limited`, to be tried again after `retryAfterMs`. */
  limitRate(messages: number, retryAfterMs: number): void;
  /** Cuts all connections at once and refuses new ones: what is under way in either direction is lost. */
  interrupt(): void;
  /** Lets clients reach it again; those that were cut reconnect within this turn of the event loop. */
  restore(): void;
  /** The next publish is stored, then all connections are cut before its answer leaves. They reconnect at once. */
  loseNextAnswer(): void;
  /** Forgets the channel's entries up to and including `seq`, as retention does. */
  trim(channel: ChannelName, seq: number): void;
  /**
   * Forgets what came behind `seq`, with its Welcomes, as a relay does that is restored from a backup. Between
   * {@link MemoryRelay.interrupt} and {@link MemoryRelay.restore}, as no connection survives that.
   */
  rewind(channel: ChannelName, seq: number): void;
  /** What the channel's log holds. */
  entries(channel: ChannelName): readonly LogEntry[];
  /** A relay that nobody is connected to, holds the same logs, and goes its own way: the other face of one that lies. */
  fork(): MemoryRelay;
}

interface StoredWelcome {
  readonly delivery: WelcomeDelivery;
  takenBy: string | undefined;
}

/**
 * A relay without a network, by the same rules: one order per channel, deduplication, one commit per epoch, credit,
 * gaps. Everything happens in microtasks and in the order of the calls, so a run repeats itself exactly.
 *
 * @throws {@link RuntimeError} `invalid_argument` for an option out of its range.
 *
 * @example
 * const relay = createMemoryRelay();
 * const [alice, bob] = [relay.connect(), relay.connect()];
 */
export function createMemoryRelay(options: MemoryRelayOptions = {}): MemoryRelay {
  return startRelay(options);
}

/** What a relay begins with. */
interface Inherited {
  readonly logs: ReadonlyMap<ChannelName, MemoryLog>;
  readonly welcomes: ReadonlyMap<string, StoredWelcome>;
  readonly door: MemoryDoor;
}

function startRelay(options: MemoryRelayOptions, inherited?: Inherited): MemoryRelay {
  const { clock = systemClock } = options;
  const maxPayloadBytes = checkInteger('maxPayloadBytes', options.maxPayloadBytes ?? 262_144, 1);
  const { messagesPerMonth } = options;
  if (messagesPerMonth !== undefined) checkInteger('messagesPerMonth', messagesPerMonth, 0);
  const door = new MemoryDoor({ clock, messagesPerMonth });
  if (inherited !== undefined) door.admitAsIn(inherited.door);
  const logs = new Map([...(inherited?.logs ?? [])].map(([channel, log]) => [channel, log.copy()]));
  const welcomes = new Map([...(inherited?.welcomes ?? [])].map(([ref, welcome]) => [ref, { ...welcome }]));
  const clients = new Set<MemoryClient>();
  let isOnline = options.isOnline ?? true;
  let losesNextAnswer = false;

  const logOf = (channel: ChannelName): MemoryLog => {
    const log = logs.get(channel) ?? new MemoryLog();
    logs.set(channel, log);
    return log;
  };
  const interrupt = (): void => {
    isOnline = false;
    const cause = new TransportError('connection_lost', 'the connection to the relay is lost');
    for (const client of [...clients]) client.cut(cause);
  };
  const restore = (): void => {
    isOnline = true;
    for (const client of [...clients]) client.reachable();
  };

  const hub: MemoryHub = {
    get isOnline() {
      return isOnline;
    },
    log: logOf,
    publish(caller, { channel, group, submissions, round }) {
      const log = logOf(channel);
      const answers = submissions.map((submission) => {
        // What is stored already is not stored again, and costs nothing.
        const refusal = log.has(submission.messageId) ? undefined : door.refuse(caller, channel, submission, round);
        const answer = refusal ?? log.append(group, submission, maxPayloadBytes, clock.now());
        if (answer.kind === 'accepted' && !answer.duplicate) {
          door.stored(caller, channel, submission);
          for (const { keyPackageRefs, payload } of submission.welcomes ?? []) {
            const delivery = { channel, commitSeq: answer.seq, payload };
            for (const ref of keyPackageRefs) welcomes.set(toHex(ref), { delivery, takenBy: undefined });
          }
        }
        return answer;
      });
      if (losesNextAnswer) {
        losesNextAnswer = false;
        interrupt();
        restore();
      }
      for (const client of clients) client.wake();
      return answers;
    },
    welcome(keyPackageRef, account) {
      const welcome = welcomes.get(toHex(keyPackageRef));
      if (welcome === undefined || account === undefined) return welcome?.delivery;
      welcome.takenBy ??= account;
      if (welcome.takenBy !== account) return 'taken';
      door.admit(welcome.delivery.channel, account);
      return welcome.delivery;
    },
    isOpenTo: (channel, account) => door.isOpenTo(channel, account),
    quota: (caller) => door.quota(caller),
    join: (client) => clients.add(client),
    leave: (client) => clients.delete(client),
  };

  return {
    connect: (account) => new MemoryTransport(hub, account),
    announce(channel, topic) {
      for (const client of clients) client.notice(channel, topic);
    },
    expel(channel, account) {
      door.expel(channel, account);
      for (const client of clients) client.wake();
    },
    limitRate: (messages, retryAfterMs) => door.limitRate(messages, retryAfterMs),
    interrupt,
    restore,
    loseNextAnswer: () => {
      losesNextAnswer = true;
    },
    rewind(channel, seq) {
      logOf(channel).rewind(seq);
      for (const [ref, { delivery }] of welcomes) {
        if (delivery.channel === channel && delivery.commitSeq > seq) welcomes.delete(ref);
      }
    },
    trim: (channel, seq) => logOf(channel).trim(seq),
    entries: (channel) => logOf(channel).entries,
    fork: () => startRelay({ ...options, isOnline: true }, { logs, welcomes, door }),
  };
}
