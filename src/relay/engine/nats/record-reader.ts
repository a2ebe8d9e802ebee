import { RuntimeError } from '../../../base/errors.ts';
import type { AppendRecord, LogRecord, RecordSubmission } from './log-record.ts';
import { recordOf, PLACES } from './log-record.ts';
import type { NatsLink } from './nats-link.ts';
import { decodeRecord } from './record-codec.ts';

/** Requests for single messages at once, over all readers: a storm of readers must not hold up appends. */
const MAX_REQUESTS = 64;

/** Reads single messages of the streams: entries and Welcomes that nobody has in memory any more. */
export class RecordReader {
  readonly #link: NatsLink;
  #requests = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(link: NatsLink) {
    this.#link = link;
  }

  /** The record at `position`; `undefined` if retention has taken it. */
  async record(stream: string, position: number): Promise<LogRecord | undefined> {
    const bytes = await this.bytes(stream, position);
    return bytes === undefined ? undefined : decodeRecord(bytes);
  }

  /** The message at `position`; `undefined` if retention has taken it. @throws {@link RuntimeError} `store_error` */
  async bytes(stream: string, position: number): Promise<Uint8Array | undefined> {
    if (this.#requests >= MAX_REQUESTS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#requests += 1;
    try {
      const { direct, streams } = this.#link.manager;
      // Any replica may answer, and one that lags does not have it yet: only the leader knows that it is gone.
      const near = await direct.getMessage(stream, { seq: position });
      const message = near ?? (await streams.getMessage(stream, { seq: position }));
      return message?.data;
    } catch (cause) {
      throw new RuntimeError('store_error', 'nats-server does not answer for the log just now', { cause });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#requests -= 1;
      else next();
    }
  }
}

/** The submission that became the entry `seq` of a record. @throws {@link RuntimeError} `store_damaged` */
export function submissionAt(record: LogRecord | undefined, seq: number): RecordSubmission {
  if (record?.kind === 'append') {
    let place = seq - recordOf(seq) * PLACES;
    for (const { submissions } of record.parts) {
      const submission = submissions[place];
      if (submission !== undefined) return submission;
      place -= submissions.length;
    }
  }
  throw new RuntimeError('store_damaged', 'an entry of the log is not where it was');
}

/** When a record was stamped. */
export function stampOf(record: LogRecord | undefined): number {
  return (record as AppendRecord | undefined)?.storedAtMs ?? 0;
}
