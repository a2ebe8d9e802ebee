import type { TapeCipher } from '../tape/tape-cipher.ts';
import type { TapeHeader, TapeRecordKind } from '../tape/tape-record.ts';
import { SinkWriter, type TapeSink } from './tape-sink.ts';
import { type Json, toTapeValue } from '../tape/tape-value.ts';

/** Writes a tape, record by record. */
export class TapeWriter {
  readonly #lines: SinkWriter;
  readonly #cipher: TapeCipher | undefined;
  readonly #startedAtMs: number;
  #records = 0;

  constructor(header: TapeHeader, sink: TapeSink, cipher: TapeCipher | undefined, failed: (error: Error) => void) {
    this.#lines = new SinkWriter(sink, failed);
    this.#cipher = cipher;
    this.#startedAtMs = header.startedAtMs;
    this.#lines.push(JSON.stringify(toTapeValue(header)));
  }

  /** Records so far. */
  get records(): number {
    return this.#records;
  }

  write(kind: TapeRecordKind, nowMs: number, value?: Json): void {
    this.#records += 1;
    const fields = [this.#records, nowMs - this.#startedAtMs, kind];
    const line = JSON.stringify(value === undefined ? fields : [...fields, value]);
    this.#lines.push(this.#cipher === undefined ? line : this.#cipher.seal(this.#records, line));
  }

  /** Resolves when everything is written. @throws what the sink failed with */
  close(): Promise<void> {
    return this.#lines.close();
  }
}
