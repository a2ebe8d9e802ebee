import type { Clock } from '../../base/clock.ts';
import { AuthError, type SkytaleError, toSkytaleError, TransportError } from '../../base/errors.ts';
import type { FaultBoard, TimedFault } from '../faults/fault-board.ts';
import type { Fault, FaultOf } from '../faults/fault.ts';
import type { TwinRelay } from '../network/twin-relay.ts';
import type { AgentRunner } from './agent-runner.ts';
import type { DiskImage } from './virtual-disk.ts';

/** What became of a change of the group that a plan made: done, or why not. */
export interface ActionOutcome {
  readonly fault: Fault;
  readonly agent: string;
  readonly error: SkytaleError | undefined;
}

/** What {@link TimedFaults} works with. */
export interface TimedFaultsOptions {
  readonly board: FaultBoard;
  readonly clock: Clock;
  readonly relay: TwinRelay;
  readonly agent: (name: string) => AgentRunner;
}

/** How often it is tried again to do what is not possible yet, in milliseconds. */
const AGAIN_MS = 25;

/** What counts when it shows, and not when its time has come. */
type Lasting = 'slow-reader' | 'withhold';

/** What goes wrong at a time: begins it, or as soon as it can make a difference, and ends it. */
export class TimedFaults {
  readonly #options: TimedFaultsOptions;
  readonly #ends = new Set<() => void>();
  readonly #outcomes: ActionOutcome[] = [];

  constructor(options: TimedFaultsOptions) {
    this.#options = options;
  }

  get outcomes(): readonly ActionOutcome[] {
    return this.#outcomes;
  }

  arm(): void {
    const { board, clock, agent } = this.#options;
    for (const fault of board.timed) {
      if (fault.kind === 'directory-restored') this.#restoreDirectory(fault);
      else if (isSpell(fault)) clock.schedule(fault.atMs, () => agent(fault.agent).mischief.begin(fault));
      else clock.schedule(fault.atMs, () => this.#tryUntilDone(fault, () => this.#begin(fault)));
    }
  }

  /** Ends what lasts. */
  heal(): void {
    for (const end of [...this.#ends]) end();
  }

  #tryUntilDone(fault: Fault, act: () => boolean): void {
    if (act()) this.#options.board.fired(fault);
    else this.#options.clock.schedule(AGAIN_MS, () => this.#tryUntilDone(fault, act));
  }

  /** Does it, if it is possible now. */
  #begin(fault: Exclude<TimedFault, { readonly kind: Lasting | 'directory-restored' }>): boolean {
    const { relay, agent } = this.#options;
    switch (fault.kind) {
      case 'disconnect':
        return this.#cut(
          agent(fault.agent),
          new TransportError('connection_lost', 'the connection to the relay is lost'),
        );
      case 'token-expires':
        return this.#cut(agent(fault.agent), new AuthError('auth_failed', 'the token has expired'));
      case 'partition': {
        const agents = fault.agents.map(agent);
        for (const each of agents) each.cutOff();
        this.#endAfter(fault.forMs, () => {
          for (const each of agents) each.letThrough();
        });
        return true;
      }
      case 'half-open': {
        const { transport, isOnline } = agent(fault.agent);
        if (transport === undefined || !isOnline) return false;
        transport.freeze();
        const cause = new TransportError('connection_lost', 'the relay has not been heard of for too long');
        this.#endAfter(fault.forMs, () => transport.cut(cause));
        return true;
      }
      case 'relay-restored':
        return relay.isUp && relay.restoreBackup(fault.entries);
      case 'retention':
        return relay.retain();
      case 'commit-race':
        return this.#act(fault, fault.agents, async ({ client }) => {
          for (const name of await client.channels()) {
            await (await client.openChannel(name)).channel$.commit({ rotate: true });
          }
        });
      case 'remove-member':
        return this.#act(fault, [fault.agent], async ({ client }) => {
          const member = new TextEncoder().encode(fault.member);
          for (const name of await client.channels()) await (await client.openChannel(name)).removeMember(member);
        });
    }
  }

  #cut(agent: AgentRunner, cause: SkytaleError): boolean {
    if (!agent.isOnline) return false;
    agent.transport?.cut(cause);
    return true;
  }

  /** All of them at once, when all are up. */
  #act(fault: Fault, names: readonly string[], action: (agent: AgentRunner) => Promise<void>): boolean {
    const agents = names.map((name) => this.#options.agent(name));
    if (!agents.every(({ isUp }) => isUp)) return false;
    for (const agent of agents) {
      const record = (error?: SkytaleError): void => void this.#outcomes.push({ fault, agent: agent.name, error });
      action(agent).then(
        () => record(),
        (error: unknown) => record(toSkytaleError(error)),
      );
    }
    return true;
  }

  #restoreDirectory(fault: FaultOf<'directory-restored'>): void {
    const { clock, agent } = this.#options;
    let image: DiskImage | undefined;
    clock.schedule(Math.max(0, fault.atMs - fault.ageMs), () => {
      image = agent(fault.agent).disk.image();
    });
    clock.schedule(fault.atMs, () =>
      this.#tryUntilDone(fault, () => {
        const restored = agent(fault.agent);
        if (!restored.isUp || image === undefined) return false;
        restored.restoreFrom(image, fault.forMs);
        return true;
      }),
    );
  }

  #endAfter(forMs: number, action: () => void): void {
    const end = (): void => {
      if (!this.#ends.delete(end)) return;
      cancel();
      action();
    };
    const cancel = this.#options.clock.schedule(forMs, end);
    this.#ends.add(end);
  }
}

function isSpell(fault: TimedFault): fault is Extract<TimedFault, { readonly kind: Lasting }> {
  return fault.kind === 'slow-reader' || fault.kind === 'withhold';
}
