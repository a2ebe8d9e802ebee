import { TransportError } from '../../base/errors.ts';

/**
 * An answer of a control plane, which is not to be believed: every field is checked when it is read. What makes no sense is
 * a {@link TransportError} `protocol_error` that names the field and repeats nothing of the answer, which may hold a token.
 */
export class Answer {
  readonly #fields: object;

  constructor(fields: object) {
    this.#fields = fields;
  }

  /** Text of at least one character. */
  text(name: string): string {
    const value = this.#get(name);
    if (typeof value !== 'string' || value === '') throw nonsense(name);
    return value;
  }

  /** Text, if there is any. */
  textIfAny(name: string): string | undefined {
    const value = this.#get(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw nonsense(name);
    return value;
  }

  /** One of a few words. */
  word<Word extends string>(name: string, words: readonly Word[]): Word {
    const value = this.#get(name);
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw nonsense(name);
    return word;
  }

  /** A whole number of at least 0. */
  count(name: string): number {
    const value = this.#get(name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw nonsense(name);
    return value;
  }

  /** Bytes in base64, at most `max`. */
  bytes(name: string, max: number): Uint8Array {
    const text = this.text(name);
    if (text.length > Math.ceil(max / 3) * 4 || !BASE64.test(text)) throw nonsense(name);
    return new Uint8Array(Buffer.from(text, 'base64'));
  }

  /** A moment in ISO 8601, as Unix milliseconds. */
  time(name: string): number {
    const time = Date.parse(this.text(name));
    if (Number.isNaN(time)) throw nonsense(name);
    return time;
  }

  /** A list of at most `max` objects. */
  list<Item>(name: string, max: number, read: (item: Answer) => Item): readonly Item[] {
    const value = this.#get(name);
    if (!Array.isArray(value) || value.length > max) throw nonsense(name);
    return value.map((item: unknown) => read(toAnswer(item)));
  }

  /** How many a field says that there are: a number, or a list. */
  howMany(name: string): number {
    const value = this.#get(name);
    return Array.isArray(value) ? value.length : this.count(name);
  }

  /** What stands inside. */
  inside(name: string): Answer {
    return toAnswer(this.#get(name));
  }

  /** A number, or nothing where there is no limit. */
  limit(name: string): number | undefined {
    return this.#get(name) === null ? undefined : this.count(name);
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? (this.#fields as Record<string, unknown>)[name] : undefined;
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The body of an answer. */
export function readAnswer(body: string): Answer {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // No cause: it would repeat what the body holds.
    throw new TransportError('protocol_error', 'the control plane answered with something else than JSON');
  }
  return toAnswer(value);
}

function toAnswer(value: unknown): Answer {
  if (typeof value === 'object' && value !== null) return new Answer(value);
  throw new TransportError('protocol_error', 'the control plane answered with something else than an object');
}

function nonsense(name: string): TransportError {
  return new TransportError('protocol_error', `the control plane answered without a usable \`${name}\``);
}
