import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Launcher, Program } from '../program.ts';
import type { Address } from './lean-stream.ts';
import type { RelayCalls, RelayHome } from './programs/relay.ts';

export const CHANNEL = 'bench/relay/stream';

/** A relay in a process of its own. */
export class Relay {
  readonly program: Program<RelayCalls>;
  readonly address: Address;
  readonly #directory: string;

  private constructor(program: Program<RelayCalls>, address: Address, directory: string) {
    this.program = program;
    this.address = address;
    this.#directory = directory;
  }

  /** With an empty log on disk if nothing else is named. */
  static async open(launcher: Launcher, label: string, home: Omit<RelayHome, 'dataDir'> = {}): Promise<Relay> {
    const directory = await mkdtemp(join(tmpdir(), 'skytale-bench-'));
    const program = launcher.start<RelayCalls>('relay', label);
    const target = await program.call('open', { dataDir: directory, ...home });
    return new Relay(program, { peer: 'relay', target }, directory);
  }

  /** Ends the process and deletes the log. Idempotent. */
  async close(): Promise<void> {
    await this.program.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
