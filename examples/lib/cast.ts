import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Channel,
  createMemoryControlPlane,
  createMemoryRelay,
  type MemoryControlPlane,
  type MemoryRelay,
  SkytaleClient,
} from 'skytale-rx';

/**
 * The agents of an example, on a relay in the same process. Their homes are temporary: all is gone at the end of the block.
 *
 * In earnest an agent has a home that stays, the address of a relay in place of `transport`, and an API key in place of
 * `controlPlane`.
 */
export class Cast implements AsyncDisposable {
  readonly relay: MemoryRelay = createMemoryRelay();
  /** Where invites are kept, and requests to join wait. */
  readonly controlPlane: MemoryControlPlane = createMemoryControlPlane({ relay: this.relay });
  readonly #home = mkdtempSync(join(tmpdir(), 'skytale-example-'));
  readonly #agents = new Map<string, SkytaleClient>();

  /** The agent of this name, always the same one. */
  agent(name: string): SkytaleClient {
    let agent = this.#agents.get(name);
    if (agent === undefined) {
      agent = new SkytaleClient('http://127.0.0.1:5000', join(this.#home, name), new TextEncoder().encode(name), {
        transport: this.relay.connect(),
        controlPlane: this.controlPlane.connect(name),
      });
      this.#agents.set(name, agent);
    }
    return agent;
  }

  /** The first agent makes a channel and adds the others; returns each one's end of it. */
  async meet<Name extends string>(channel: string, ...names: readonly Name[]): Promise<Record<Name, Channel>> {
    const [first = 'nobody', ...others] = names;
    const room = await this.agent(first).createChannel(channel);
    const ends: [string, Channel][] = [[first, room.channel$]];
    for (const name of others) {
      const welcome = await room.addMember(await this.agent(name).generateKeyPackage());
      const { channel$ } = await this.agent(name).joinChannel(channel, welcome);
      ends.push([name, channel$]);
    }
    return Object.fromEntries(ends) as Record<Name, Channel>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.close()));
    this.controlPlane.close();
    rmSync(this.#home, { recursive: true, force: true });
  }
}
