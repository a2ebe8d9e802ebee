/** `compute` with its result, or what it throws, in a promise: for an interface that is asynchronous. */
export function settled<Input extends readonly unknown[], Output>(
  compute: (...input: Input) => Output,
): (...input: Input) => Promise<Output> {
  return (...input) => {
    try {
      return Promise.resolve(compute(...input));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
}
