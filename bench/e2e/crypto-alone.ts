import type { Launcher, Program } from '../program.ts';
import type { CryptoCalls } from './programs/crypto.ts';

/** What cryptography allows when nothing else is done: no network, no disk, no actor. */
export interface CryptoAlone {
  /** Encrypting in one process while another decrypts: the slower of the two rates. The stricter yardstick. */
  readonly parallelPerSecond: number;
  /** One process that does both, one after the other: 1 / (encrypt + decrypt). */
  readonly serialPerSecond: number;
  /** CPU time of one step, while the other process works too. */
  readonly encryptMicros: number;
  readonly decryptMicros: number;
}

const DURATION_MS = 1_000;

/** Two processes with the engine of the library and a group of `members`, to measure cryptography between rounds. */
export class CryptoYardstick {
  readonly #encrypting: Program<CryptoCalls>;
  readonly #decrypting: Program<CryptoCalls>;

  private constructor(encrypting: Program<CryptoCalls>, decrypting: Program<CryptoCalls>) {
    this.#encrypting = encrypting;
    this.#decrypting = decrypting;
  }

  /** Starts and warms up both. */
  static async start(launcher: Launcher, members: number): Promise<CryptoYardstick> {
    const encrypting = launcher.start<CryptoCalls>('crypto', 'encrypting');
    const decrypting = launcher.start<CryptoCalls>('crypto', 'decrypting');
    await Promise.all([encrypting.call('prepare', members), decrypting.call('prepare', members)]);
    const yardstick = new CryptoYardstick(encrypting, decrypting);
    await yardstick.measure();
    return yardstick;
  }

  /** Both ways of measuring, one after the other. */
  async measure(): Promise<CryptoAlone> {
    const [encrypt, decrypt] = await Promise.all([
      this.#encrypting.call('encrypt', DURATION_MS),
      this.#decrypting.call('decrypt', DURATION_MS),
    ]);
    const encryptAlone = await this.#encrypting.call('encrypt', DURATION_MS / 2);
    const decryptAlone = await this.#encrypting.call('decrypt', DURATION_MS / 2);
    return {
      parallelPerSecond: Math.min(encrypt.perSecond, decrypt.perSecond),
      serialPerSecond: 1 / (1 / encryptAlone.perSecond + 1 / decryptAlone.perSecond),
      encryptMicros: encrypt.cpuMicrosPerMessage,
      decryptMicros: decrypt.cpuMicrosPerMessage,
    };
  }
}
