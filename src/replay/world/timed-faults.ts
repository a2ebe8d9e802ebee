import type { Clock } from '../../base/clock.ts';
import { AuthError, type SkytaleError, TransportError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { MemoryControlPlane } from '../../transport/index.ts';
import type { FaultBoard, TimedFault } from '../faults/fault-board.ts';
import type { Fault, FaultOf } from '../faults/fault.ts';
import type { TwinRelay } from '../network/twin-relay.ts';
import { hostileSubmissions } from '../network/hostile-entries.ts';
import type { AgentRunner } from './agent-runner.ts';
import { type ActionOutcome, GroupActions } from './group-actions.ts';
import { damagedImage, type DiskImage } from './virtual-disk.ts';

/** What {@link TimedFaults} works with. */
export interface TimedFaultsOptions {
  readonly board: FaultBoard;
  readonly clock: Clock;
  readonly relay: TwinRelay;
  readonly controlPlane: MemoryControlPlane;
  readonly random: Random;
  readonly agent: (name: string) => AgentRunner;
  /** Told of what cannot be. */
  readonly onError: (error: unknown) => void;
}

/** How often it is tried again to do what is not possible yet, in milliseconds. */
const AGAIN_MS = 25;

/** What counts when it shows, and not when its time has come. */
type Lasting = 'slow-reader' | 'withhold';

/** What goes wrong at a time: begins it, or as soon as it can make a difference, and ends it. */
export class TimedFaults {
  readonly #options: TimedFaultsOptions;
  readonly #ends = new Set<() => void>();
  readonly #actions: GroupActions;

  constructor(options: TimedFaultsOptions) {
    this.#options = options;
    this.#actions = new GroupActions(options.agent);
  }

  get outcomes(): readonly ActionOutcome[] {
    return this.#actions.outcomes;
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
    const { relay, controlPlane, agent } = this.#options;
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
      case 'relay-splits':
        relay.split(fault.agents);
        this.#reconnect(fault.agents);
        this.#endAfter(fault.forMs, () => {
          relay.unite();
          this.#reconnect(fault.agents);
        });
        return true;
      case 'hostile-entries':
        if (!relay.hasMessages) return false;
        this.#intrude(fault);
        return true;
      case 'control-plane-down':
        controlPlane.interrupt();
        this.#endAfter(fault.forMs, () => controlPlane.restore());
        return true;
      case 'directory-deleted':
        return this.#comeBackWith(fault, () => new Map());
      case 'directory-damaged':
        return this.#comeBackWith(fault, (image) => damagedImage(image, fault.index));
      case 'clock-jump':
        agent(fault.agent).shiftClock(fault.byMs);
        return true;
      case 'commit-race':
      case 'remove-member':
      case 'removal-race':
      case 'bad-key-package':
      case 'second-process':
        return this.#actions.begin(fault);
    }
  }

  /** Connections end, and what comes of the next ones is another's to say. */
  #reconnect(names: readonly string[]): void {
    for (const name of names) {
      const { transport } = this.#options.agent(name);
      transport?.cut(new TransportError('connection_lost', 'the connection to the relay is lost'));
    }
  }

  #intrude({ what, times }: FaultOf<'hostile-entries'>): void {
    const { relay, random, onError } = this.#options;
    relay.intrude((log) => hostileSubmissions(what, times, log, random)).catch(onError);
  }

  #comeBackWith(
    { agent: name, forMs }: FaultOf<'directory-deleted' | 'directory-damaged'>,
    change: (image: DiskImage) => DiskImage,
  ): boolean {
    const agent = this.#options.agent(name);
    if (!agent.isUp) return false;
    agent.restoreFrom(change(agent.disk.image()), forMs);
    return true;
  }

  #cut(agent: AgentRunner, cause: SkytaleError): boolean {
    if (!agent.isOnline) return false;
    agent.transport?.cut(cause);
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
