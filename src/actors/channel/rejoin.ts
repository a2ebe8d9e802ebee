import { Subscription } from 'rxjs';
import { type SkytaleError, toSkytaleError, TransportError } from '../../base/errors.ts';
import { type ChannelRecord, groupTag, type KeyPackageBundle } from '../../mls/index.ts';
import { type ChannelLink, type LinkEvent, type LogEntry, refusalError } from '../../transport/index.ts';
import { isWorthRetrying } from './outbox-desk.ts';
import type { RejoinOutcome, RejoinPort } from './rejoin-port.ts';
import type { Workbench } from './workbench.ts';

/** Entries that may arrive ahead of what was looked at. */
const CREDIT = 256;
/** How long an epoch must last until we ask again in it. */
const RETRY_MS = 1_000;

/**
 * Joins a channel anew, with a fresh leaf in place of one whose keys are not to be used any more: asks for it in the log, in
 * every epoch that goes by, and waits for the Welcome. Returns `undefined` when aborted.
 *
 * @param withinMs fails after this time; by default it waits for as long as it takes
 */
export async function rejoin(
  bench: Pick<Workbench, 'ports' | 'ids'>,
  port: RejoinPort,
  record: ChannelRecord,
  signal: AbortSignal,
  withinMs?: number,
): Promise<RejoinOutcome | undefined> {
  const asking = new Asking(bench, port, record);
  const over = new AbortController();
  if (withinMs !== undefined) asking.giveUpAfter(withinMs);
  try {
    const bundle = await port.createKeyPackage();
    asking.start(bundle);
    const { payload, commitSeq } = await Promise.race([
      bench.ports.transport.awaitWelcome(bundle.ref, AbortSignal.any([signal, over.signal])),
      asking.refused,
    ]);
    return { kind: 'rejoined', group: await port.join(record, payload, bundle), commitSeq };
  } catch (error) {
    return signal.aborted ? undefined : { kind: 'rejoin-failed', error: toSkytaleError(error) };
  } finally {
    asking.stop();
    over.abort();
  }
}

/** Follows the log for its epochs, without a key to read it, and asks anew in each that is current. */
class Asking {
  readonly #bench: Pick<Workbench, 'ports' | 'ids'>;
  readonly #port: RejoinPort;
  readonly #record: ChannelRecord;
  readonly #link: ChannelLink;
  readonly #subscription = new Subscription();
  #bundle: KeyPackageBundle | undefined;
  #epoch: bigint;
  #isCaughtUp = false;
  #refuse!: (error: SkytaleError) => void;
  /** Rejects when the relay will not serve the channel, or nobody has helped in time. */
  readonly refused: Promise<never> = new Promise((_, reject) => (this.#refuse = reject));

  constructor(bench: Pick<Workbench, 'ports' | 'ids'>, port: RejoinPort, record: ChannelRecord) {
    this.#bench = bench;
    this.#port = port;
    this.#record = record;
    this.#epoch = record.group.epoch;
    const { name: channel, cursor: start, group } = record;
    this.#link = bench.ports.transport.open({ channel, group: groupTag(group.groupId), start, credit: CREDIT });
    // Whoever waits for it hears of it; nobody has to.
    this.refused.catch(() => undefined);
  }

  start(bundle: KeyPackageBundle): void {
    this.#bundle = bundle;
    const refuse = (error: unknown): void => this.#refuse(toSkytaleError(error));
    this.#subscription.add(this.#link.events$.subscribe({ next: (event) => this.#hear(event), error: refuse }));
  }

  giveUpAfter(delayMs: number): void {
    const giveUp = (): void => {
      this.#refuse(new TransportError('join_timeout', `no other member gave a fresh leaf within ${delayMs} ms`));
    };
    this.#subscription.add(this.#bench.ports.clock.schedule(delayMs, giveUp));
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }

  #hear(event: LinkEvent): void {
    switch (event.kind) {
      case 'entries': {
        this.#link.grant(event.entries.length);
        // Messages tell it too: the commits of a gap are not seen.
        const epoch = event.entries.reduce((latest, entry) => later(latest, epochBehind(entry)), this.#epoch);
        if (epoch > this.#epoch) this.#enter(epoch);
        return;
      }
      case 'caught-up':
        this.#isCaughtUp = true;
        this.#ask();
        return;
      case 'online':
      case 'offline':
        this.#isCaughtUp = false;
        return;
      case 'refused':
        this.#refuse(event.error);
        return;
      case 'gap':
      case 'notice':
        return;
    }
  }

  /** Asks again in a new epoch, unless it is the one that we were let into: then the Welcome is on its way. */
  #enter(epoch: bigint, retryAfterMs = 0): void {
    this.#epoch = epoch;
    if (!this.#isCaughtUp) return;
    const cancel = this.#bench.ports.clock.schedule(Math.max(RETRY_MS, retryAfterMs), () => {
      if (this.#isCaughtUp && epoch === this.#epoch) this.#ask();
    });
    this.#subscription.add(cancel);
  }

  #ask(): void {
    this.#publish(this.#epoch).catch((error: unknown) => this.#refuse(toSkytaleError(error)));
  }

  async #publish(epoch: bigint): Promise<void> {
    if (this.#bundle === undefined) return;
    const payload = await this.#port.makeRequest(this.#record, this.#bundle, epoch);
    const messageId = this.#bench.ids.create();
    // A publish that rejects is lost with its connection, or had no room: there is no answer.
    const [answer] = await this.#link.publish([{ kind: 'message', epoch, messageId, payload }]).catch(() => []);
    if (answer?.kind === 'accepted') return;
    if (answer !== undefined && !isWorthRetrying(answer.reason)) {
      this.#refuse(refusalError(answer.reason, answer.detail));
      return;
    }
    // The commits of a gap are not seen: about an epoch the relay knows better. About its own trouble it tells none.
    const isAboutEpoch = answer !== undefined && answer.reason !== 'unavailable' && answer.reason !== 'rate-limited';
    this.#enter(isAboutEpoch ? answer.currentEpoch : epoch, answer?.retryAfterMs);
  }
}

/** The epoch that a channel is in behind an entry, at the least. */
function epochBehind({ kind, epoch }: LogEntry): bigint {
  return kind === 'commit' ? epoch + 1n : epoch;
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
