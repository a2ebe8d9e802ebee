import fc from 'fast-check';
import { SkytaleError } from '../../../src/base/errors.ts';
import { seedOfRun } from '../../support/seeded.ts';

/** Lengths as MLS and protobuf write them, that promise more than there is. */
const BOMBS = [
  [0xbf, 0xff, 0xff, 0xff],
  [0x7f, 0xff],
  [0x80, 0x10, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xc0],
].map((bytes) => Uint8Array.from(bytes));

type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly to: number }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'end'; readonly at: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'bomb'; readonly at: number; readonly bytes: Uint8Array; readonly isInserted: boolean }
  | { readonly kind: 'splice'; readonly at: number; readonly donor: Uint8Array; readonly from: number };

/** A place in the input: half of the time near its start, where most of the structure is. */
const place = fc.oneof(fc.nat(48), fc.nat(1_000_000));

/**
 * Inputs that nobody meant: real ones with bits flipped, parts cut out, repeated or taken from another, lengths that
 * promise too much; and bytes of any kind.
 */
export function damaged(...originals: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const original = fc.constantFrom(...originals);
  const mutation: fc.Arbitrary<Mutation> = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('set' as const), at: place, to: fc.nat(255) }),
    fc.record({ kind: fc.constant('cut' as const), at: place, length: fc.integer({ min: 1, max: 64 }) }),
    fc.record({ kind: fc.constant('end' as const), at: place }),
    fc.record({ kind: fc.constant('repeat' as const), at: place, length: fc.integer({ min: 1, max: 64 }) }),
    fc.record({
      kind: fc.constant('bomb' as const),
      at: place,
      bytes: fc.constantFrom(...BOMBS),
      isInserted: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('splice' as const), at: place, donor: original, from: place }),
  );
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    {
      weight: 9,
      arbitrary: fc
        .tuple(original, fc.array(mutation, { minLength: 1, maxLength: 4 }))
        .map(([bytes, mutations]) => mutations.reduce(mutate, bytes)),
    },
  );
}

function mutate(bytes: Uint8Array, mutation: Mutation): Uint8Array {
  const at = bytes.length === 0 ? 0 : mutation.at % bytes.length;
  const head = bytes.subarray(0, at);
  switch (mutation.kind) {
    case 'flip':
      return join(head, Uint8Array.of((bytes[at] ?? 0) ^ (1 << mutation.bit)), bytes.subarray(at + 1));
    case 'set':
      return join(head, Uint8Array.of(mutation.to), bytes.subarray(at + 1));
    case 'cut':
      return join(head, bytes.subarray(at + mutation.length));
    case 'end':
      return head.slice();
    case 'repeat':
      return join(bytes.subarray(0, at + mutation.length), bytes.subarray(at));
    case 'bomb':
      return join(head, mutation.bytes, bytes.subarray(mutation.isInserted ? at : at + mutation.bytes.length));
    case 'splice':
      return join(head, mutation.donor.subarray(mutation.from % Math.max(1, mutation.donor.length)));
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** What a step answers: its result, or the code of one of our errors. Everything else fails the test. */
export async function outcomeOf<T>(
  step: () => T | Promise<T>,
): Promise<{ readonly value: T; readonly code?: never } | { readonly code: string }> {
  try {
    return { value: await step() };
  } catch (error) {
    if (error instanceof SkytaleError) return { code: (error as SkytaleError).code };
    throw error;
  }
}

const seed = seedOfRun();
/** `FUZZ_TIMES=20` runs twenty times as many cases. */
const times = Number(process.env['FUZZ_TIMES'] ?? 1);

/**
 * Runs `check` on that many cases. The seed is printed; with it in `SEED` the same cases come again, and on a failure
 * fast-check prints it together with the smallest case that it found.
 */
export function fuzz(
  cases: number,
  inputs: fc.Arbitrary<Uint8Array>,
  check: (input: Uint8Array, index: number) => Promise<void>,
): Promise<void> {
  let index = 0;
  return fc.assert(
    fc.asyncProperty(inputs, (input) => check(input, index++)),
    { seed, numRuns: cases * times, endOnFailure: false },
  );
}

/** Longer than the cases take on a slow machine that is busy. */
export const TIMEOUT_MS: number = 60_000 * times;
