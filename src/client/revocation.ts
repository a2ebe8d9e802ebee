import { Observable, type Subscriber } from 'rxjs';
import type { Channel } from '../actors/channel/index.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { RuntimeError, toSkytaleError, type SkytaleError } from '../base/errors.ts';
import type { RemovalTerms } from '../mls/index.ts';
import type { ControlPlane, RevocationInfo } from '../transport/index.ts';

/** Why an agent is revoked. */
export type RevocationReason = 'credential_compromise' | 'key_rotation' | 'policy_violation' | 'other';

const REASONS: readonly RevocationReason[] = ['credential_compromise', 'key_rotation', 'policy_violation', 'other'];

/** Options of {@link SkytaleClient.revoke}. */
export interface RevokeOptions {
  /** Default `other`. Members see it. */
  readonly reason?: RevocationReason;
  /** How long to watch channels in which nobody has removed the agent yet, in milliseconds. Default 10 000. */
  readonly waitMs?: number;
  /** Ends the watching, not the revocation, and errors the stream with its reason. */
  readonly signal?: AbortSignal;
}

/** What came of a revocation. */
export interface RevocationReceipt {
  /** The control plane's name for it. */
  readonly id: string;
  readonly identity: Uint8Array;
  readonly reason: RevocationReason;
  /** API keys that are void: connections on their tokens have ended, and their invites and requests with them. */
  readonly keysRevoked: number;
  /** Keys that the agent shares with others. They stay: exchange them. */
  readonly keysShared: number;
  readonly invitesRevoked: number;
  /** Channels in which the agent is no member any more: it cannot read what is sent from now on. */
  readonly removed: readonly string[];
  /** Channels in which nobody has removed it yet. The first authorised member that comes online does. */
  readonly queued: readonly string[];
}

/**
 * How far a revocation has come.
 *
 * - `credentials-void`: the control plane accepts nothing any more of what the agent had for itself, and cuts it off.
 * - `removed`: it is no member of this channel any more; who did it.
 * - `queued`: in these channels nobody has removed it within `waitMs`.
 * - `done`: the last step.
 */
export type RevocationStep =
  | {
      readonly kind: 'credentials-void';
      readonly id: string;
      readonly keysRevoked: number;
      readonly keysShared: number;
      readonly invitesRevoked: number;
      readonly channels: readonly string[];
    }
  | { readonly kind: 'removed'; readonly channel: string; readonly by: 'caller' | 'member' }
  | { readonly kind: 'queued'; readonly channels: readonly string[] }
  | { readonly kind: 'done'; readonly receipt: RevocationReceipt };

/** What a revocation needs of the agent that asks for it. */
export interface Revoker {
  readonly identity: Uint8Array;
  readonly controlPlane: ControlPlane;
  readonly clock: Clock;
  /** All channels of the agent, open. */
  readonly channels: readonly Channel[];
  readonly sign: (terms: RemovalTerms) => Promise<Uint8Array>;
  /** Told of a channel that this agent could not remove the other one from by itself. It stays queued for others. */
  readonly warn: (warning: string) => void;
}

/** The longest answer of the control plane, in seconds, to how far it is. */
const ASK_SECONDS = 20;

/**
 * The options with their defaults.
 *
 * @throws {@link RuntimeError} `invalid_argument`
 */
export function checkReason(reason: RevocationReason = 'other'): RevocationReason {
  if (REASONS.includes(reason)) return reason;
  throw new RuntimeError('invalid_argument', `Expected \`reason\` to be one of ${REASONS.join(', ')}.`);
}

/** The steps of one revocation for each subscriber. Cold. Unsubscribing ends the watching: what was asked for is done. */
export function revocationSteps(
  open: () => Promise<Revoker>,
  target: Uint8Array,
  {
    reason,
    waitMs,
    signal,
  }: { readonly reason: RevocationReason; readonly waitMs: number; readonly signal: AbortSignal },
): Observable<RevocationStep> {
  return new Observable((subscriber) => {
    const unsubscribed = new AbortController();
    const isOver = AbortSignal.any([signal, unsubscribed.signal]);
    const run = async (): Promise<void> => {
      const revocation = new Revocation(await open(), target, reason, subscriber);
      const receipt = await revocation.run(waitMs, isOver);
      subscriber.next({ kind: 'done', receipt });
      subscriber.complete();
    };
    run().catch((error: unknown) => subscriber.error(signal.aborted ? signal.reason : error));
    return () => unsubscribed.abort(new Error('nobody watches the revocation any more'));
  });
}

class Revocation {
  readonly #revoker: Revoker;
  readonly #identity: Uint8Array;
  readonly #reason: RevocationReason;
  readonly #subscriber: Subscriber<RevocationStep>;
  readonly #removed = new Set<string>();
  readonly #known = new Set<string>();
  #changed: (() => void) | undefined;

  constructor(
    revoker: Revoker,
    identity: Uint8Array,
    reason: RevocationReason,
    subscriber: Subscriber<RevocationStep>,
  ) {
    this.#revoker = revoker;
    this.#identity = identity;
    this.#reason = reason;
    this.#subscriber = subscriber;
  }

  /** Asks for everything at once, and watches until all is done, or time is over. */
  async run(waitMs: number, signal: AbortSignal): Promise<RevocationReceipt> {
    signal.throwIfAborted();
    const { controlPlane, sign, clock, identity: requestedBy } = this.#revoker;
    const shared = this.#revoker.channels.filter((channel) => this.#memberOf(channel) !== undefined);
    const signatureKeys = shared.flatMap((channel) => this.#memberOf(channel)?.signatureKey ?? []);
    const [identity, reason] = [this.#identity, this.#reason];
    const signature = await sign({ identity, signatureKeys, reason, madeAtMs: clock.now() });
    // Not one after the other: whoever cannot reach the control plane can still remove a member, and the other way round.
    const own = Promise.all(shared.map((channel) => this.#remove(channel)));
    const info = await controlPlane
      .revoke({ identity, reason, requestedBy, signature }, signal)
      .catch(async (error: unknown) => {
        await within(own, waitMs, clock, signal);
        throw toSkytaleError(error);
      });
    for (const { channel } of info.channels) this.#known.add(channel);
    this.#tell(info);
    this.#follow(info);
    await this.#watch(info, waitMs, signal);
    const queued = [...this.#known].filter((channel) => !this.#removed.has(channel)).sort();
    if (queued.length > 0) this.#subscriber.next({ kind: 'queued', channels: queued });
    const { id, keysRevoked, keysShared, invitesRevoked } = info;
    const removed = [...this.#removed].sort();
    return { id, identity, reason, keysRevoked, keysShared, invitesRevoked, removed, queued };
  }

  #tell({ id, keysRevoked, keysShared, invitesRevoked, channels }: RevocationInfo): void {
    const names = channels.map(({ channel }) => channel);
    this.#subscriber.next({ kind: 'credentials-void', id, keysRevoked, keysShared, invitesRevoked, channels: names });
  }

  #memberOf(channel: Channel): { readonly signatureKey: Uint8Array } | undefined {
    const { members, status } = channel.state$.value;
    if (status === 'removed' || status === 'stopped') return undefined;
    return members.find(({ identity }) => equalBytes(identity, this.#identity));
  }

  /** Never rejects. While the relay is away it waits, and is done when it is back, watched or not. */
  async #remove(channel: Channel): Promise<void> {
    this.#known.add(channel.name);
    try {
      await channel.commit({ remove: [this.#identity] });
      this.#isRemoved(channel.name, 'caller');
    } catch (error) {
      const failure: SkytaleError = toSkytaleError(error);
      // Another member was faster: the control plane will say so.
      if (failure.code === 'not_found') return;
      this.#revoker.warn(`the agent could not be removed from ${channel.name} from here: ${failure.message}`);
    }
  }

  #follow({ channels }: RevocationInfo): void {
    for (const { channel, status } of channels) if (status === 'removed') this.#isRemoved(channel, 'member');
  }

  #isRemoved(channel: string, by: 'caller' | 'member'): void {
    if (this.#removed.has(channel)) return;
    this.#removed.add(channel);
    this.#subscriber.next({ kind: 'removed', channel, by });
    this.#changed?.();
  }

  get #isDone(): boolean {
    return [...this.#known].every((channel) => this.#removed.has(channel));
  }

  /** Resolves when all known channels are done with, or after `waitMs`. */
  async #watch(info: RevocationInfo, waitMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#revoker;
    if (this.#isDone) return;
    const over = new AbortController();
    const cancel = clock.schedule(waitMs, () => over.abort());
    this.#changed = () => {
      if (this.#isDone) over.abort();
    };
    const either = AbortSignal.any([signal, over.signal]);
    try {
      await this.#ask(info, either);
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      cancel();
      this.#changed = undefined;
    }
    signal.throwIfAborted();
  }

  async #ask(info: RevocationInfo, signal: AbortSignal): Promise<void> {
    const { controlPlane } = this.#revoker;
    for (let latest = info; !this.#isDone; ) {
      const since = latest.channels.filter(({ status }) => status === 'removed').length;
      if (latest.status === 'done') {
        // What is left is known to this agent alone, and under way.
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        return;
      }
      latest = await controlPlane.revocation(info.id, { waitSeconds: ASK_SECONDS, since, signal });
      this.#follow(latest);
    }
  }
}

/** Waits for `task`, at most so long. */
async function within(task: Promise<unknown>, ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.schedule(ms, end);
    signal.addEventListener('abort', end, { once: true });
    task.then(end, end);
  });
}
