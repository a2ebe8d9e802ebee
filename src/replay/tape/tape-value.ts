import {
  AuthError,
  ChannelError,
  MlsError,
  QuotaExceededError,
  RuntimeError,
  type SkytaleError,
  toSkytaleError,
  TransportError,
} from '../../base/errors.ts';

/** A value as it stands on a tape. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** An error as it stands on a tape. */
interface ErrorNote {
  readonly class: keyof typeof CLASSES;
  readonly code: string;
  readonly message: string;
}

const CLASSES = { AuthError, TransportError, ChannelError, MlsError, QuotaExceededError, RuntimeError } as const;
const BYTES = '$bytes';
const BIGINT = '$bigint';
const ERROR = '$error';

/**
 * A value for a tape: bytes as base64, epochs as decimal digits, errors by code. Functions, and what is `undefined`, are left
 * out; they are what a tape cannot keep. The text of an error that is not one of ours is left out, too: nobody knows what
 * stands in it.
 */
export function toTapeValue(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') return { [BIGINT]: value.toString() };
  if (value instanceof Uint8Array)
    return { [BYTES]: Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64') };
  if (value instanceof Error) return { [ERROR]: noteOf(value) as unknown as Json };
  if (Array.isArray(value)) return value.map((item) => toTapeValue(item));
  if (typeof value !== 'object') return null;
  const kept: Record<string, Json> = {};
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (item !== undefined && typeof item !== 'function') kept[key] = toTapeValue(item);
  }
  return kept;
}

/** The inverse of {@link toTapeValue}, for what it keeps. */
export function fromTapeValue(json: Json | undefined): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map((item: Json) => fromTapeValue(item));
  const fields = json as Record<string, Json>;
  if (typeof fields[BYTES] === 'string') return new Uint8Array(Buffer.from(fields[BYTES], 'base64'));
  if (typeof fields[BIGINT] === 'string') return BigInt(fields[BIGINT]);
  if (fields[ERROR] !== undefined) return errorOf(fields[ERROR] as unknown as ErrorNote);
  const value: Record<string, unknown> = {};
  for (const key in fields) value[key] = fromTapeValue(fields[key]);
  return value;
}

function noteOf(thrown: Error): ErrorNote {
  const error = toSkytaleError(thrown);
  const known = (Object.keys(CLASSES) as ErrorNote['class'][]).find((name) => error instanceof CLASSES[name]);
  // A subclass has a text of its own kind, such as what a validator says of a payload, and a foreign error any.
  const isPlain = known !== undefined && Object.getPrototypeOf(error) === CLASSES[known].prototype;
  if (!isPlain || error.code === 'runtime_error') {
    return { class: known ?? 'RuntimeError', code: error.code, message: 'not recorded' };
  }
  const { message } = error;
  return { class: known, code: error.code, message: message.slice(message.indexOf(': ') + 2) };
}

function errorOf({ class: name, code, message }: ErrorNote): SkytaleError {
  if (name === 'QuotaExceededError') return new QuotaExceededError(message);
  if (!Object.hasOwn(CLASSES, name)) return new RuntimeError('runtime_error', message);
  return new (CLASSES[name] as new (code: never, detail: string) => SkytaleError)(code as never, message);
}
