/** How often each word occurs. */
export type Counts = ReadonlyMap<string, number>;

/** The words of a text, in lower case. */
export function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? [];
}

/** What each word comes to in all of them together. */
export function merge(parts: readonly Counts[]): Counts {
  const total = new Map<string, number>();
  for (const part of parts) {
    for (const [word, count] of part) total.set(word, (total.get(word) ?? 0) + count);
  }
  return total;
}
