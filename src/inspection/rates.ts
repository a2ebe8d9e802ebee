interface Reading {
  readonly count: number;
  readonly atMs: number;
  readonly perSecond: number;
}

/** How fast counters rise, each from one tick to the next. */
export class Rates {
  #readings = new Map<string, Reading>();

  /**
   * How many a second, over the last full interval. A counter that is new, or asked about between ticks, shows what it showed
   * before.
   */
  read(key: string, count: number, nowMs: number, isTick: boolean): number {
    const known = this.#readings.get(key);
    if (known === undefined) {
      this.#readings.set(key, { count, atMs: nowMs, perSecond: 0 });
      return 0;
    }
    const elapsedMs = nowMs - known.atMs;
    if (!isTick || elapsedMs <= 0) return known.perSecond;
    const perSecond = Math.round(((count - known.count) * 10_000) / elapsedMs) / 10;
    this.#readings.set(key, { count, atMs: nowMs, perSecond });
    return perSecond;
  }

  /** Forgets counters whose keys are not among these. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#readings.keys()) if (!keys.has(key)) this.#readings.delete(key);
  }
}
