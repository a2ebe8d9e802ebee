import { toHex } from '../../../base/bytes.ts';
import type { ChannelName } from '../../../base/channel-name.ts';
import type { Submission } from '../../../transport/index.ts';
import type { AccountId } from '../../access/principal.ts';
import { ENTRY_OVERHEAD_BYTES, EntryWriter } from '../entry-codec.ts';
import type { Access, LogPage, PageLimit } from '../log-engine.ts';
import { RunBuilder } from '../run-builder.ts';

/** An entry as it is kept: its `skytale.relay.v1.Entry`, and what is asked of it. */
interface KeptEntry {
  readonly seq: number;
  readonly id: string;
  readonly storedAtMs: number;
  readonly bytes: Uint8Array;
}

/** One channel in memory. */
export class MemoryChannel {
  readonly name: ChannelName;
  readonly members: Set<AccountId> = new Set();
  group: Uint8Array | undefined;
  epoch: number = 0;
  headSeq: number = 0;
  isClaimed: boolean = false;
  #entries: KeptEntry[] = [];
  readonly #seqById = new Map<string, number>();
  readonly #commitSeqs = new Map<number, number>();

  constructor(name: ChannelName) {
    this.name = name;
  }

  access(account: AccountId): Access {
    if (!this.isClaimed) return 'unclaimed';
    return this.members.has(account) ? 'member' : 'stranger';
  }

  seqOf(messageId: Uint8Array): number | undefined {
    return this.#seqById.get(toHex(messageId));
  }

  commitSeq(epoch: bigint): number | undefined {
    return this.#commitSeqs.get(Number(epoch));
  }

  /** Appends what was found to be allowed. @returns its number and the bytes that it takes */
  append({ kind, epoch, messageId, payload }: Submission, storedAtMs: number, run: RunBuilder): KeptEntry {
    const seq = this.headSeq + 1;
    const fields = { seq, prevSeq: this.headSeq, kind, epoch: Number(epoch), messageId, payload, storedAtMs };
    const bytes = new Uint8Array(run.writer.entry(fields)); // a view would keep the whole batch
    run.add(seq);
    const entry = { seq, id: toHex(messageId), storedAtMs, bytes };
    this.#entries.push(entry);
    this.#seqById.set(entry.id, seq);
    this.headSeq = seq;
    if (kind === 'commit') {
      this.#commitSeqs.set(this.epoch, seq);
      this.epoch += 1;
    }
    return entry;
  }

  read(afterSeq: number, { entries: maxEntries, bytes: maxBytes }: PageLimit): LogPage {
    const oldestSeq = this.headSeq - this.#entries.length + 1;
    const from = Math.max(afterSeq, oldestSeq - 1);
    const resumesAtSeq = from > afterSeq ? oldestSeq : undefined;
    const start = from - oldestSeq + 1;
    const page: KeptEntry[] = [];
    let bytes = 0;
    for (const entry of this.#entries.slice(start, start + maxEntries)) {
      bytes += entry.bytes.length + ENTRY_OVERHEAD_BYTES;
      if (page.length > 0 && bytes > maxBytes) break;
      page.push(entry);
    }
    if (page.length === 0) return { run: undefined, resumesAtSeq, headSeq: this.headSeq };
    const run = new RunBuilder(new EntryWriter(bytes), from);
    for (const entry of page) {
      run.writer.encoded(entry.bytes);
      run.add(entry.seq);
    }
    return { run: run.finish(), resumesAtSeq, headSeq: this.headSeq };
  }

  /** Deletes entries from the oldest on, as long as `isOver` says so. @returns how many, and their bytes */
  trim(isOver: (entry: KeptEntry) => boolean): { readonly entries: number; readonly bytes: number } {
    const kept = this.#entries.findIndex((entry) => !isOver(entry));
    const gone = this.#entries.slice(0, kept === -1 ? this.#entries.length : kept);
    this.#entries = this.#entries.slice(gone.length);
    for (const { id } of gone) this.#seqById.delete(id);
    return { entries: gone.length, bytes: gone.reduce((sum, { bytes }) => sum + bytes.length, 0) };
  }
}
