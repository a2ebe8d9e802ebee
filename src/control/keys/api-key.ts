import { randomBytes } from 'node:crypto';

/** For production, or for tests. A control plane issues and takes one kind. */
export type KeyMode = 'live' | 'test';

/** A key as it was shown to its owner, in its parts. */
export interface ApiKey {
  /** `sk_live_…`, whole. Secret. */
  readonly text: string;
  /** Finds the row. Not secret. */
  readonly lookup: string;
  /** What lists show: `sk_live_a1b2`. */
  readonly prefix: string;
}

const LOOKUP_BYTES = 8;
const SECRET_BYTES = 32;
/** Characters of the lookup id that lists show. */
const SHOWN = 4;

const FORM = /^sk_(live|test)_([0-9a-f]{16})([A-Za-z0-9_-]{43})$/;

/** A fresh key: 64 bits to find it by, 256 bits that nobody can guess. */
export function createApiKey(mode: KeyMode): ApiKey {
  const lookup = randomBytes(LOOKUP_BYTES).toString('hex');
  return partsOf(mode, lookup, randomBytes(SECRET_BYTES).toString('base64url'));
}

/** The parts of a key; `undefined` for text that is none, or of the other mode. */
export function parseApiKey(text: string, mode: KeyMode): ApiKey | undefined {
  const [, kind, lookup, secret] = FORM.exec(text) ?? [];
  return kind !== mode || lookup === undefined || secret === undefined ? undefined : partsOf(mode, lookup, secret);
}

function partsOf(mode: KeyMode, lookup: string, secret: string): ApiKey {
  const start = `sk_${mode}_`;
  return { text: `${start}${lookup}${secret}`, lookup, prefix: `${start}${lookup.slice(0, SHOWN)}` };
}
