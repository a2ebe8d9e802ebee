/** One object of a vector file, read field by field; a field that is not what it should be is an error of the file. */
export class Vector {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null) throw new Error(`${path} is not an object.`);
    this.#fields = value as Record<string, unknown>;
    this.#path = path;
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value === 'number') return value;
    throw new Error(`${this.#path}.${name} is not a number.`);
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value === 'string') return value;
    throw new Error(`${this.#path}.${name} is not a string.`);
  }

  /** A byte string, which the files write in hexadecimal. */
  bytes(name: string): Uint8Array {
    return fromHex(this.text(name), `${this.#path}.${name}`);
  }

  /** Whether a field is there and not null. */
  has(name: string): boolean {
    return this.#fields[name] !== undefined && this.#fields[name] !== null;
  }

  list(name: string): readonly unknown[] {
    const value = this.#fields[name];
    if (Array.isArray(value)) return value as unknown[];
    throw new Error(`${this.#path}.${name} is not a list.`);
  }

  child(name: string): Vector {
    return new Vector(this.#fields[name], `${this.#path}.${name}`);
  }

  children(name: string): readonly Vector[] {
    return this.list(name).map((value, index) => new Vector(value, `${this.#path}.${name}[${index}]`));
  }
}

/** Bytes from their hexadecimal form. */
export function fromHex(text: string, what: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new Error(`${what} is not hexadecimal.`);
  return new Uint8Array(Buffer.from(text, 'hex'));
}
