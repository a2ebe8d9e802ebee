/** One number of a benchmark. */
export interface Figure {
  /** Lower case, words from the general to the particular: `throughput, group of 2, channel$`. */
  readonly name: string;
  readonly value: number;
  /** `msg/s`, `ms`, `µs/msg`, `bytes/msg`, or `` for a ratio. */
  readonly unit: string;
  /** What the number has to reach, such as `>=0.5`. Absent where no goal is set. */
  readonly goal?: string;
}

/** What a benchmark is run with. */
export interface BenchOptions {
  /** How often each measurement is repeated; figures are medians. */
  readonly rounds: number;
  /** Messages of one burst. */
  readonly messages: number;
  /** Whether memory is watched over as many messages as the goal names, instead of a sample. */
  readonly heap: boolean;
  /** Directory for CPU profiles of each process. Profiling slows everything down. */
  readonly cpuProf?: string;
  /** Only scenarios whose name contains this. */
  readonly only?: string;
  /** How long a soak takes. */
  readonly minutes: number;
  /** How often a soak kills the relay, in seconds. */
  readonly killEvery: number;
  /** Messages that are queued for a reader that is stuck; the bench's own number if absent. */
  readonly queued?: number;
  /** Shows a line of progress or explanation at once. */
  readonly say: (line: string) => void;
}

/** A benchmark that can be called by its name. */
export interface Bench {
  readonly name: string;
  /** One line for the list of benchmarks. */
  readonly summary: string;
  /** Measures. Rejects if anything that it measures does not work as it should: wrong results have no speed. */
  run(options: BenchOptions): Promise<readonly Figure[]>;
}
