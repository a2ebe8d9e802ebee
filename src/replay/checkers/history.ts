import { Subscription } from 'rxjs';
import type { Channel, ChannelEvent, ChannelFault, ChannelMessage } from '../../actors/channel/index.ts';
import { toHex } from '../../base/bytes.ts';
import { toSkytaleError } from '../../base/errors.ts';
import type { LogEntry } from '../../transport/index.ts';
import type { Observation, RunRecord, SendOutcome } from './observation.ts';

/** One channel of an agent that is being watched. */
interface Watched {
  readonly channel: Channel;
  readonly life: number;
  readonly subscription: Subscription;
}

const utf8 = new TextDecoder();

/**
 * Writes down what the members of one channel see and do, for the checkers. Watches channels of any kind: of a simulated
 * world, or of real agents on a real relay in one process.
 *
 * @example
 * const history = new History();
 * history.watch('alice', channel$);
 * await history.send('alice', new TextEncoder().encode('hello'));
 */
export class History {
  readonly #observations: Observation[] = [];
  readonly #watched = new Map<string, Watched>();
  readonly #lives = new Map<string, number>();
  /** Sends that have no outcome, by call. */
  readonly #pending = new Map<number, { readonly agent: string; readonly life: number }>();
  #calls = 0;

  get observations(): readonly Observation[] {
    return this.#observations;
  }

  /** Sends that have no outcome yet. */
  get pendingSends(): number {
    return this.#pending.size;
  }

  /** Begins a life of an agent, with its channel as it was just opened. `consumes`: its messages come to a durable consumer. */
  watch(agent: string, channel: Channel, { consumes = false }: { readonly consumes?: boolean } = {}): void {
    this.#watched.get(agent)?.subscription.unsubscribe();
    const life = (this.#lives.get(agent) ?? 0) + 1;
    this.#lives.set(agent, life);
    const { epoch, seq } = channel.state$.value;
    const subscription = new Subscription();
    this.#watched.set(agent, { channel, life, subscription });
    this.#observations.push({ kind: 'opened', agent, life, epoch, seq, consumes });
    const fail = (error: unknown): void => {
      throw toSkytaleError(error);
    };
    subscription.add(
      channel.events$.subscribe({
        next: (event) => this.#hear(agent, life, channel, event),
        error: fail,
        complete: () => void this.#observations.push({ kind: 'completed', agent, life }),
      }),
    );
  }

  /** Sends, and writes down what becomes of it. Never rejects. */
  async send(agent: string, payload: Uint8Array): Promise<SendOutcome> {
    const watched = this.#watched.get(agent);
    if (watched === undefined) throw new Error(`nothing of ${agent} is watched`);
    const { channel, life } = watched;
    const call = (this.#calls += 1);
    this.#pending.set(call, { agent, life });
    this.#observations.push({ kind: 'send', agent, life, call, payload: toHex(payload) });
    const outcome = await channel.send(payload).then(
      ({ seq }): SendOutcome => ({ kind: 'accepted', seq }),
      (error: unknown): SendOutcome => outcomeOf(error),
    );
    // Who crashed meanwhile has heard nothing.
    if (this.#pending.delete(call)) this.#observations.push({ kind: 'settled', agent, life, call, outcome });
    return outcome;
  }

  /** A handler of a durable consumer has completed. */
  handled(agent: string, { seq, payload }: Pick<ChannelMessage, 'seq' | 'payload'>): void {
    const life = this.#lives.get(agent) ?? 0;
    this.#observations.push({ kind: 'handled', agent, life, seq, payload: toHex(payload) });
  }

  /** The agent is gone: it sees nothing any more, and hears of no outcome. `restored`: it comes back as an old copy. */
  crashed(agent: string, how: 'crashed' | 'restored' = 'crashed'): void {
    const watched = this.#watched.get(agent);
    if (watched === undefined) return;
    watched.subscription.unsubscribe();
    this.#watched.delete(agent);
    for (const [call, sender] of [...this.#pending]) {
      if (sender.agent !== agent) continue;
      this.#pending.delete(call);
      this.#observations.push({ kind: 'settled', ...sender, call, outcome: { kind: 'unknown' } });
    }
    this.#observations.push({ kind: how, agent, life: watched.life });
  }

  /** Writes down how every channel is now. Once, when everything is quiet and before anything is stopped. */
  conclude(): void {
    for (const [agent, { channel, life }] of this.#watched) {
      const { status, epoch, seq, unsettled, epochAuthenticator, members } = channel.state$.value;
      this.#observations.push({
        ...{ kind: 'state', agent, life, status, epoch, seq, unsettled },
        authenticator: toHex(epochAuthenticator),
        members: members.map(({ identity }) => utf8.decode(identity)),
      });
    }
  }

  /** The run, for the checkers. */
  record(log: readonly LogEntry[]): RunRecord {
    return { observations: this.#observations, log };
  }

  #hear(agent: string, life: number, channel: Channel, event: ChannelEvent): void {
    const stateEpoch = channel.state$.value.epoch;
    switch (event.kind) {
      case 'message': {
        const { seq, epoch, sender, payload, redelivered } = event;
        this.#observations.push({
          ...{ kind: 'message', agent, life, seq, epoch, redelivered, stateEpoch },
          sender: utf8.decode(sender),
          payload: toHex(payload),
        });
        return;
      }
      case 'epoch-change': {
        const names = (members: typeof event.added): string[] => members.map(({ identity }) => utf8.decode(identity));
        const [added, removed] = [names(event.added), names(event.removed)];
        this.#observations.push({
          kind: 'epoch',
          agent,
          life,
          epoch: event.epoch,
          seq: event.seq,
          added,
          removed,
          stateEpoch,
        });
        return;
      }
      case 'fault':
        this.#hearFault(agent, life, event.fault);
        return;
      default:
        return;
    }
  }

  #hearFault(agent: string, life: number, fault: ChannelFault): void {
    if (fault.kind === 'gap') {
      const { afterSeq, resumesAtSeq } = fault;
      this.#observations.push({ kind: 'gap', agent, life, afterSeq, resumesAtSeq });
    } else if (fault.kind === 'unread') {
      const [afterSeq, resumesAtSeq] = [fault.fromSeq - 1, fault.toSeq + 1];
      this.#observations.push({ kind: 'gap', agent, life, afterSeq, resumesAtSeq });
    } else if (fault.kind === 'stale' || fault.kind === 'undecryptable') {
      this.#observations.push({ kind: 'unreadable', agent, life, seq: fault.seq, epoch: fault.epoch, why: fault.kind });
    }
  }
}

function outcomeOf(error: unknown): SendOutcome {
  const { code } = toSkytaleError(error);
  // What had been accepted is sent when the channel is opened again; what was under way at a removal may be stored behind it.
  return code === 'channel_closed' || code === 'removed_from_group' ? { kind: 'unknown' } : { kind: 'refused', code };
}
