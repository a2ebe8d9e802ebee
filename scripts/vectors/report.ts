import { equalBytes } from '../../src/base/bytes.ts';

/** What the checks of one vector file came to. */
export class Report {
  passed = 0;
  readonly failures: string[] = [];
  /** What was not run, and why. */
  readonly notes: string[] = [];
  readonly #entry: string;

  constructor(entry: string) {
    this.#entry = entry;
  }

  /** Whether two byte strings are equal. */
  equal(what: string, actual: Uint8Array, expected: Uint8Array): void {
    this.holds(what, equalBytes(actual, expected));
  }

  /** Whether something is so. */
  holds(what: string, isSo: boolean): void {
    if (isSo) this.passed++;
    else this.fail(what, 'differs');
  }

  /** Something that went wrong before it could be compared. */
  fail(what: string, reason: string): void {
    this.failures.push(`${this.#entry}: ${what}: ${reason}`);
  }

  /** Something that was not run. */
  note(reason: string): void {
    this.notes.push(reason);
  }

  /** Whether something that must be refused is refused. */
  async refuses(what: string, attempt: () => Promise<unknown>): Promise<void> {
    const isRefused = await attempt().then(
      () => false,
      () => true,
    );
    this.holds(what, isRefused);
  }
}
