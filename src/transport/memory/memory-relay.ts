import { toHex } from '../../base/bytes.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { checkInteger } from '../../base/check.ts';
import { systemClock } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { TransportError } from '../../base/errors.ts';
import type { LogEntry, RelayTransport, WelcomeDelivery } from '../relay-transport.ts';
import { MemoryLog } from './memory-log.ts';
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
}

/** A relay in this process, for tests and simulations. */
export interface MemoryRelay {
  /** A transport of a client of its own. */
  connect(): RelayTransport;
  /** Cuts all connections at once and refuses new ones: what is under way in either direction is lost. */
  interrupt(): void;
  /** Lets clients reach it again; those that were cut reconnect within this turn of the event loop. */
  restore(): void;
  /** The next publish is stored, then all connections are cut before its answer leaves. They reconnect at once. */
  loseNextAnswer(): void;
  /** Forgets the channel's entries up to and including `seq`, as retention does. */
  trim(channel: ChannelName, seq: number): void;
  /** What the channel's log holds. */
  entries(channel: ChannelName): readonly LogEntry[];
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
  const { clock = systemClock } = options;
  const maxPayloadBytes = checkInteger('maxPayloadBytes', options.maxPayloadBytes ?? 262_144, 1);
  const logs = new Map<ChannelName, MemoryLog>();
  const welcomes = new Map<string, WelcomeDelivery>();
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
    publish(channel, group, submissions) {
      const answers = submissions.map((submission) => {
        const answer = logOf(channel).append(group, submission, maxPayloadBytes, clock.now());
        if (answer.kind === 'accepted' && !answer.duplicate) {
          for (const { keyPackageRefs, payload } of submission.welcomes ?? []) {
            const delivery = { channel, commitSeq: answer.seq, payload };
            for (const ref of keyPackageRefs) welcomes.set(toHex(ref), delivery);
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
    welcome: (keyPackageRef) => welcomes.get(toHex(keyPackageRef)),
    join: (client) => clients.add(client),
    leave: (client) => clients.delete(client),
  };

  return {
    connect: () => new MemoryTransport(hub),
    interrupt,
    restore,
    loseNextAnswer: () => {
      losesNextAnswer = true;
    },
    trim: (channel, seq) => logOf(channel).trim(seq),
    entries: (channel) => logOf(channel).entries,
  };
}
