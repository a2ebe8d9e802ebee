/** What a measured process can be asked for: one argument, one answer. */
export type Calls<T> = { readonly [Name in keyof T]: (argument: never) => unknown };

/** The argument of a call, if it takes one. */
export type ArgumentsOf<Call> = Call extends () => unknown
  ? []
  : Call extends (argument: infer Argument) => unknown
    ? [argument: Argument]
    : never;

/** The answer to a call. */
export type AnswerOf<Call> = Call extends (argument: never) => infer Answer ? Awaited<Answer> : never;

/** From the bench to a process. */
export interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** From a process to the bench. */
export type Response = { readonly id: number } & ({ readonly answer: unknown } | { readonly error: string });

/** What a process has used up so far. */
export interface Usage {
  /** User and system time of all threads, in µs. */
  readonly cpuMicros: number;
}

/** What a process holds, right after a garbage collection. */
export interface Memory {
  /** Bytes of live objects on the main thread's heap. */
  readonly heapBytes: number;
  /** Bytes outside of it that objects hold: buffers. */
  readonly externalBytes: number;
}

/** What every measured process can be asked for. */
export interface CommonCalls {
  usage(): Usage;
  /** Collects garbage first. */
  memory(): Memory;
}
