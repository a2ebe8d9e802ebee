/** A recording that is under way. */
export interface Recording {
  /** Records so far. */
  readonly records: number;
  /**
   * Resolves with the number of records when the tape is whole: after {@link Recording.stop}, or when the channel has ended. Rejects
   * when the sink fails or is too slow; the channel goes on, without being recorded.
   */
  readonly done: Promise<number>;
  /** Ends the recording, and waits for what is on its way to the sink. The same as `done`. */
  stop(): Promise<number>;
}
