/** Who wants to hear of topics that are told. */
export class Listeners {
  readonly #listeners = new Set<(topic: string) => void>();

  add(listener: (topic: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(topic: string): void {
    for (const listener of [...this.#listeners]) listener(topic);
  }
}
