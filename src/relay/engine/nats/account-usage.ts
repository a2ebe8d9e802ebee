import type { AccountId } from '../../access/principal.ts';
import type { ByteReader, ByteWriter } from './byte-codec.ts';

/** Months that are remembered for an account; older ones are forgotten as new ones come. */
const MAX_MONTHS = 13;

/** How many messages each account has stored in each month. */
export class AccountUsage {
  readonly #accounts = new Map<AccountId, Map<number, number>>();

  add(account: AccountId, monthStartMs: number): void {
    let months = this.#accounts.get(account);
    if (months === undefined) this.#accounts.set(account, (months = new Map<number, number>()));
    months.set(monthStartMs, (months.get(monthStartMs) ?? 0) + 1);
    if (months.size > MAX_MONTHS) months.delete(Math.min(...months.keys()));
  }

  of(account: AccountId, monthStartMs: number): number {
    return this.#accounts.get(account)?.get(monthStartMs) ?? 0;
  }

  writeTo(writer: ByteWriter): void {
    writer.varint(this.#accounts.size);
    for (const [account, months] of this.#accounts) {
      writer.text(account);
      writer.varint(months.size);
      for (const [monthStartMs, messages] of months) {
        writer.varint(monthStartMs);
        writer.varint(messages);
      }
    }
  }

  static readFrom(reader: ByteReader): AccountUsage {
    const usage = new AccountUsage();
    reader.list(() => {
      const account = reader.text() as AccountId;
      const months = new Map<number, number>();
      usage.#accounts.set(account, months);
      reader.list(() => months.set(reader.varint(), reader.varint()));
    });
    return usage;
  }
}
