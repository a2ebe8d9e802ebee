/**
 * Imported keys by the array that they came from: the same few arrays, out of a tree or a state, come again with every
 * message, and importing a key costs as much as using it. An array that is a key must therefore never be written to,
 * except to erase it for good.
 */
export class KeyCache<Key extends object> {
  readonly #import: (bytes: Uint8Array) => Key;
  readonly #keys: WeakMap<Uint8Array, Key> = new WeakMap<Uint8Array, Key>();

  constructor(importKey: (bytes: Uint8Array) => Key) {
    this.#import = importKey;
  }

  get(bytes: Uint8Array): Key {
    let key = this.#keys.get(bytes);
    if (key === undefined) {
      key = this.#import(bytes);
      this.#keys.set(bytes, key);
    }
    return key;
  }
}
