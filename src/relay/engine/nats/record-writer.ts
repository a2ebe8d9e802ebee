import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import type { JetStreamPublishOptions } from '@nats-io/jetstream';
import { RequestError } from '@nats-io/transport-node';
import { toHex } from '../../../base/bytes.ts';
import { sleepUnlessAborted } from '../../../base/clock.ts';
import type { Clock } from '../../../base/clock.ts';
import type { NatsLink } from './nats-link.ts';
import type { Shard } from './shard.ts';
import type { Folded } from './shard-fold.ts';

/** A record on its way. */
export interface Write {
  readonly id: Uint8Array;
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** The last record on the subject, if it must be that one. */
  readonly lastOnSubject?: number | undefined;
}

/**
 * What became of a write. `outrun`: somebody else's record came first on the subject, nothing was stored. `unavailable`: the
 * server did not take it, nothing was stored. `unknown`: the engine was closed before it was certain.
 */
export type WriteResult =
  | { readonly kind: 'written'; readonly folded: Folded }
  | { readonly kind: 'outrun' | 'unavailable' | 'unknown' };

/**
 * A publish that is not acknowledged by then is made again: pending ones do not fail when their connection does. Longer each
 * time, so that servers that are merely slow are not given the same work over and over.
 */
const PUBLISH_TIMEOUT_MS = 500;
const MAX_PUBLISH_TIMEOUT_MS = 2000;
/** Records on their way at once. */
const MAX_PUBLISHES = 256;
const RETRY_MS = 50;
const MAX_RETRY_MS = 500;
/** How often a server may say no before it is believed. An election is over by then. */
const MAX_REFUSALS = 20;

/** Writes records so that their fate is certain: tries again under the same id until the server has it and it was read back. */
export class RecordWriter {
  readonly #link: NatsLink;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  #publishes = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(link: NatsLink, clock: Clock, closing: AbortSignal) {
    this.#link = link;
    this.#clock = clock;
    this.#closing = closing;
  }

  /**
   * Stores a record and waits until it was read back. The server's word alone is not enough: what the record has done is
   * decided by its place in the order.
   */
  async write(shard: Shard, { id, subject, bytes, lastOnSubject }: Write): Promise<WriteResult> {
    const { folded, cancel } = shard.expect(id);
    const stored = await this.store(subject, bytes, { id, lastOnSubject });
    if (typeof stored === 'string') {
      cancel();
      return { kind: stored };
    }
    // The duplicate that an answer speaks of may lie further back than what is read now: it was read then.
    const result = await Promise.race([
      folded.then((done): WriteResult => ({ kind: 'written', folded: done })),
      this.#read(shard, stored),
    ]);
    cancel();
    return result;
  }

  /** Stores bytes under an id; resolves with their number in the stream. */
  async store(
    subject: string,
    bytes: Uint8Array,
    { id, lastOnSubject }: { readonly id: Uint8Array; readonly lastOnSubject?: number | undefined },
  ): Promise<number | 'outrun' | 'unavailable' | 'unknown'> {
    let isInDoubt = false;
    let refusals = 0;
    for (let attempt = 0; ; attempt += 1) {
      if (!this.#link.isUp && !isInDoubt) return 'unavailable';
      await this.#link.up();
      if (this.#closing.aborted) return isInDoubt ? 'unknown' : 'unavailable';
      // An attempt that is in doubt may itself be what now stands last on the subject.
      const expect = lastOnSubject === undefined || isInDoubt ? {} : { expect: { lastSubjectSequence: lastOnSubject } };
      try {
        const timeout = Math.min(MAX_PUBLISH_TIMEOUT_MS, PUBLISH_TIMEOUT_MS * 2 ** attempt);
        return await this.#publish(subject, bytes, { msgID: toHex(id), timeout, ...expect });
      } catch (error) {
        if (error instanceof JetStreamApiError) {
          if (error.code === JetStreamApiCodes.StreamWrongLastSequence && !isInDoubt) return 'outrun';
          refusals += 1;
        } else if (isNobodyThere(error)) {
          refusals += 1;
        } else {
          isInDoubt = true;
        }
      }
      if (refusals > MAX_REFUSALS && !isInDoubt) return 'unavailable';
      await sleepUnlessAborted(this.#clock, Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** attempt), this.#closing);
    }
  }

  async #publish(subject: string, bytes: Uint8Array, options: Partial<JetStreamPublishOptions>): Promise<number> {
    if (this.#publishes < MAX_PUBLISHES) this.#publishes += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return (await this.#link.client.publish(subject, bytes, options)).seq;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#publishes -= 1;
      else next();
    }
  }

  async #read(shard: Shard, position: number): Promise<WriteResult> {
    await shard.reached(position, Number.MAX_SAFE_INTEGER).catch(() => undefined); // closed: settled below
    if (this.#closing.aborted || shard.fold.lastRecord < position) return { kind: 'unknown' };
    // What was read at `position` has settled the expectation before this runs; so the record was read before it was expected.
    return new Promise((resolve) => setImmediate(() => resolve({ kind: 'unknown' })));
  }
}

/** While a leader is elected nobody answers for the stream: the message went nowhere. */
function isNobodyThere(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const cause = error.cause;
  return cause instanceof RequestError && cause.isNoResponders();
}
