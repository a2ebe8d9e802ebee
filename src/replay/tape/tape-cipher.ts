import { type KeyProtection, newProtection, readProtection, type StateKey } from '../../mls/index.ts';
import { tapeDamaged } from './tape-errors.ts';

/** Encrypts the lines of one tape, each bound to its number: lines cannot be changed, moved, or taken out of the middle. */
export class TapeCipher {
  /** What the reader needs beside the key, for the header. */
  readonly protection: string;
  readonly #cipher: NonNullable<KeyProtection['cipher']>;

  private constructor({ header, cipher }: KeyProtection) {
    if (cipher === undefined) throw tapeDamaged('is not encrypted as its header says');
    this.protection = Buffer.from(header).toString('base64');
    this.#cipher = cipher;
  }

  /** For a new tape. */
  static async create(key: StateKey): Promise<TapeCipher> {
    return new TapeCipher(await newProtection(key));
  }

  /** For a tape whose header says `protection`. @throws {@link RuntimeError} `state_key_wrong`, `tape_damaged` */
  static async open(protection: string, key: StateKey | undefined): Promise<TapeCipher> {
    return new TapeCipher(await readProtection('the tape', new Uint8Array(Buffer.from(protection, 'base64')), key));
  }

  seal(number: number, line: string): string {
    return Buffer.from(this.#cipher.seal(Buffer.from(line), boundTo(number))).toString('base64');
  }

  /** `undefined` if it is not what was sealed under this number and key. */
  open(number: number, sealed: string): string | undefined {
    const opened = this.#cipher.open(new Uint8Array(Buffer.from(sealed, 'base64')), boundTo(number));
    return opened && Buffer.from(opened).toString();
  }
}

function boundTo(number: number): Uint8Array {
  return Buffer.from(`skytale tape, line ${number}`);
}
