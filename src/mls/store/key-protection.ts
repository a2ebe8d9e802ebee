import { randomBytes, scrypt } from 'node:crypto';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import type { StateKey } from './state-key.ts';
import { readingRecord, stateKeyWrong, storeDamaged } from './store-errors.ts';
import { expectEnd, readBytes } from './wire-values.ts';
import { Xaes } from './xaes.ts';

/** How a key table is protected where it is kept. */
export interface KeyProtection {
  /** What the next reader must know to undo it: the kind, and for a passphrase how the key is derived. Not secret. */
  readonly header: Uint8Array;
  /** `undefined`: not at all. */
  readonly cipher: Xaes | undefined;
}

const KINDS = { none: 0, key: 1, passphrase: 2 } as const;

/** How a passphrase becomes a key: scrypt (RFC 7914). Memory: 128 · 2^logN · r bytes. */
interface ScryptParameters {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Uint8Array;
}

/** 128 MiB and a third of a second, for each guess as well. */
const COST = { logN: 17, r: 8, p: 1 } as const;
const SALT_LENGTH = 32;

/** What a stored header may ask for: it is read before anything proves that it is ours. 1 GiB at most. */
const LIMITS = { logN: [14, 20], r: [1, 8], p: [1, 4] } as const;

/** Protection for a table that is written for the first time under this key: with a salt of its own. */
export async function newProtection(key: StateKey | undefined): Promise<KeyProtection> {
  if (key === undefined) return { header: new BinaryWriter().uint32(KINDS.none).finish(), cipher: undefined };
  if (key instanceof Uint8Array) {
    return { header: new BinaryWriter().uint32(KINDS.key).finish(), cipher: new Xaes(key) };
  }
  const parameters = { ...COST, salt: new Uint8Array(randomBytes(SALT_LENGTH)) };
  const { logN, r, p, salt } = parameters;
  const header = new BinaryWriter().uint32(KINDS.passphrase).uint32(logN).uint32(r).uint32(p).bytes(salt).finish();
  return { header, cipher: new Xaes(await deriveKey(key.passphrase, parameters)) };
}

/**
 * The protection that a stored header tells of, undone with `key`. Whether the key is the right one shows at the first
 * decryption only.
 *
 * @param place where the header was found
 * @throws {@link RuntimeError} `state_key_wrong` if a key is missing, not wanted, or of the other kind; `store_damaged`
 */
export async function readProtection(
  place: string,
  header: Uint8Array,
  key: StateKey | undefined,
): Promise<KeyProtection> {
  const { kind, parameters } = readingRecord(place, () => readHeader(header));
  if (kind === KINDS.none) {
    if (key === undefined) return { header, cipher: undefined };
    throw stateKeyWrong(
      `a state key was given, and ${place} is not encrypted. Encrypt it with \`changeStateKey\` once, ` +
        `if it is the right one`,
    );
  }
  if (parameters === undefined && kind !== KINDS.key) throw storeDamaged(place, 'is protected in an unknown way');
  const [wanted, other] = parameters === undefined ? ['state key', 'passphrase'] : ['passphrase', 'key'];
  if (key === undefined) throw stateKeyWrong(`${place} is encrypted: give its ${wanted}`);
  const isOther = (): Error => stateKeyWrong(`${place} is encrypted under a ${wanted}, and a ${other} was given`);
  if (key instanceof Uint8Array) {
    if (parameters !== undefined) throw isOther();
    return { header, cipher: new Xaes(key) };
  }
  if (parameters === undefined) throw isOther();
  for (const name of ['logN', 'r', 'p'] as const) {
    const [min, max] = LIMITS[name];
    if (parameters[name] < min || parameters[name] > max) throw storeDamaged(place, `has an unusable scrypt ${name}`);
  }
  return { header, cipher: new Xaes(await deriveKey(key.passphrase, parameters)) };
}

/** What a header says. `parameters` for a passphrase only. */
function readHeader(header: Uint8Array): { readonly kind: number; readonly parameters: ScryptParameters | undefined } {
  const reader = new BinaryReader(header);
  const kind = reader.uint32();
  const parameters =
    kind === KINDS.passphrase
      ? { logN: reader.uint32(), r: reader.uint32(), p: reader.uint32(), salt: readBytes(reader) }
      : undefined;
  expectEnd(reader);
  return { kind, parameters };
}

function deriveKey(passphrase: string, { logN, r, p, salt }: ScryptParameters): Promise<Uint8Array> {
  const N = 2 ** logN;
  // Node's own limit is 32 MiB. What the algorithm needs, and a little for its blocks.
  const maxmem = 128 * r * (N + p) + 1024 * 1024;
  return new Promise((resolve, reject) => {
    // The same characters typed on another system may come as other code points (NFC, NFD).
    scrypt(passphrase.normalize('NFKC'), salt, 32, { N, r, p, maxmem }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
