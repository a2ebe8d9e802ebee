/** Names that an `@example` in src may use without declaring them. Keep to what every reader understands at once. */

/** Ends what the example started. */
export declare const signal: AbortSignal;
/** Does something with a value. */
export declare const handle: (value: unknown) => void;
