/** What a function returns that returns nothing. */
export type Nothing = ReturnType<() => void>;
