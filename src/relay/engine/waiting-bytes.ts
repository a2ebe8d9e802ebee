/**
 * How much waits for a log, and no more than that. Once something was turned away, nothing else gets in until the loop has turned:
 * who submits in order would be overtaken by itself.
 */
export class WaitingBytes {
  readonly #max: number;
  #bytes = 0;
  #isTurningAway = false;

  constructor(max: number) {
    this.#max = max;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether so many more may wait. If so, they do. */
  take(bytes: number): boolean {
    if (this.#isTurningAway) return false;
    if (this.#bytes + bytes <= this.#max) {
      this.#bytes += bytes;
      return true;
    }
    this.#isTurningAway = true;
    setImmediate(() => (this.#isTurningAway = false));
    return false;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}
