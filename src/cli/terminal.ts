/** Where a command reads and writes: the process's own streams, or those of another process that hands its command over. */
export interface Terminal {
  /** Bytes of stdin, in pieces as they come. One reader. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly isInputTty: boolean;
  /** Whether stdout is looked at by a person. */
  readonly isTty: boolean;
  /** Whether stderr is. */
  readonly isErrorTty: boolean;
  /** Whether stdout may have colours: a terminal, and no `NO_COLOR`. */
  readonly hasColour: boolean;
  readonly columns: () => number;
  readonly rows: () => number;
  /** Aborted with an {@link Ending} when the command should end. */
  readonly signal: AbortSignal;
  /** Writes to stdout, and resolves when there is room for more. Rejects with the signal's reason when nobody reads any more. */
  write(data: string | Uint8Array): Promise<void>;
  /** Writes to stderr. */
  note(text: string): void;
}

/** Which style of `util.styleText` may be used here. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
