/** Messages of one command that are under way at the same time. */
const WIDTH = 64;

/**
 * Keeps a number of sends under way, and tells of their results as they come, in the order in which they began. After the
 * first failure nothing more is told.
 */
export class SendWindow<Result> {
  /** Rejects with the first failure; never resolves. */
  readonly failed: Promise<never>;
  readonly #tell: (result: Result) => Promise<void>;
  readonly #fail: (reason: unknown) => void;
  #last: Promise<void> = Promise.resolve();
  #underWay = 0;
  #told = 0;
  #wake: (() => void) | undefined;

  constructor(tell: (result: Result) => Promise<void>) {
    this.#tell = tell;
    let fail: (reason: unknown) => void = () => undefined;
    this.failed = new Promise((_resolve, reject) => (fail = reject));
    this.failed.catch(() => undefined); // whoever races against it hears it
    this.#fail = fail;
  }

  /** Begins one; resolves when there is room for the next. */
  async add(begin: () => Promise<Result>): Promise<void> {
    const sending = begin();
    sending.catch(() => undefined); // told when it is this one's turn
    this.#underWay += 1;
    this.#last = this.#last
      .then(async () => {
        await this.#tell(await sending);
        this.#told += 1;
      })
      .finally(() => {
        this.#underWay -= 1;
        this.#wake?.();
      });
    this.#last.catch(this.#fail);
    if (this.#underWay >= WIDTH)
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), this.failed]);
  }

  /** Waits for all; how many there were. Rejects with the first failure. */
  async end(): Promise<number> {
    await this.#last;
    return this.#told;
  }
}
