import { PayloadError, type PayloadIssue } from './payload-error.ts';
import type { StandardSchema } from './standard-schema.ts';

/**
 * How values become payloads and payloads values, for {@link Channel.as}. Either direction may take its time; order is
 * kept. What throws or rejects does so for this one value.
 */
export interface PayloadCodec<In, Out = In> {
  encode(value: In): Uint8Array | PromiseLike<Uint8Array>;
  decode(payload: Uint8Array): Out | PromiseLike<Out>;
}

/** Payloads as they are. */
export function bytes(): PayloadCodec<Uint8Array> {
  return { encode: (value) => value, decode: (payload) => payload };
}

/** Text as UTF-8. A payload that is no UTF-8 is rejected, not repaired; so is a string with half a surrogate pair. */
export function text(): PayloadCodec<string> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return {
    encode(value) {
      if (typeof value !== 'string') throw new PayloadError(`expected a string, got ${typeof value}`);
      if (!isWellFormed(value))
        throw new PayloadError('the string holds half a surrogate pair, which UTF-8 cannot tell');
      return encoder.encode(value);
    },
    decode: (payload) => decoder.decode(payload),
  };
}

/**
 * Values as JSON in UTF-8, as `JSON.stringify` writes them: `undefined` members are left out, a `Date` becomes its text.
 *
 * Without a schema the word of the sender is taken for it that a payload is a `T`. With one, each value is validated when it is
 * sent and when it comes: see {@link validated}.
 *
 * @example
 * const reports$ = channel$.as(json<{ city: string; celsius: number }>()); // or json(schema), of zod, valibot or another
 * reports$.subscribe(({ payload }) => console.log(payload.city));
 */
export function json<T>(): PayloadCodec<T>;
/** Values as JSON that a schema accepts: see {@link validated}. */
export function json<In, Out>(schema: StandardSchema<In, Out>): PayloadCodec<In, Out>;
export function json<In, Out>(schema?: StandardSchema<In, Out>): PayloadCodec<unknown> | PayloadCodec<In, Out> {
  return schema === undefined ? plainJson : validated(plainJson, schema);
}

const utf8 = text();

const plainJson: PayloadCodec<unknown> = {
  encode(value) {
    const json = JSON.stringify(value) as string | undefined;
    if (json === undefined) throw new PayloadError(`JSON has no form for ${typeof value}`);
    return utf8.encode(json);
  },
  decode: (payload) => JSON.parse(utf8.decode(payload) as string) as unknown,
};

/**
 * `codec` with a validator of any library that speaks Standard Schema (Zod, Valibot, ArkType and others).
 *
 * Who receives gets what the schema makes of the value. What is sent is the value as it was given, once it has passed:
 * the schema of the receiver has its own transformations to do.
 */
export function validated<In, Out>(
  codec: PayloadCodec<unknown>,
  schema: StandardSchema<In, Out>,
): PayloadCodec<In, Out> {
  return {
    encode: (value) => andThen(validate(schema, value), () => codec.encode(value)),
    decode: (payload) => andThen(codec.decode(payload), (value) => validate(schema, value)),
  };
}

function validate<In, Out>(schema: StandardSchema<In, Out>, value: unknown): Out | PromiseLike<Out> {
  return andThen(schema['~standard'].validate(value), (result) => {
    if (result.issues === undefined) return result.value;
    const issues = result.issues.map(({ message, path }): PayloadIssue => ({ message, path: (path ?? []).map(keyOf) }));
    throw new PayloadError('the value does not fit the schema', { issues });
  });
}

function keyOf(segment: PropertyKey | { readonly key: PropertyKey }): PropertyKey {
  return typeof segment === 'object' ? segment.key : segment;
}

/** `then` that stays synchronous for what is there already, so that what needs no waiting keeps its turn. */
function andThen<A, B>(value: A | PromiseLike<A>, next: (value: A) => B | PromiseLike<B>): B | PromiseLike<B> {
  return isPromiseLike(value) ? value.then(next) : next(value);
}

/** Whether a value is still to come. */
export function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function isWellFormed(value: string): boolean {
  // Each whole pair is one code point, so what is left of this range stands alone.
  return !/\p{Surrogate}/u.test(value);
}
