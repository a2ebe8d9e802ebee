import { ChannelError } from '../../base/errors.ts';
import { reportToHost, yieldTurn } from '../../streams/index.ts';
import { letGoOn, PATIENCE } from '../world/quiet.ts';

/** Turns that an agent has to come to the channel: it may read a file first. */
const LONG_PATIENCE = 20_000;

/** An agent under test: one that subscribes and returns, or one that goes on for as long as the channel does. */
export class AgentLife {
  #hasEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #isAlone = false;

  /** @param live begins at once */
  constructor(live: () => unknown) {
    void this.#live(live);
  }

  /** Resolves when the agent has nothing more to do before something happens on the channel. */
  async begun(hasMetChannel: () => boolean): Promise<void> {
    for (let turn = 0; turn < LONG_PATIENCE && !this.#hasEnded && !hasMetChannel(); turn += 1) await yieldTurn();
    await letGoOn();
    this.#throwFailure();
  }

  /** The channel is over, and so should be the agent. What fails later is for the host. @throws what the agent has thrown */
  async ended(): Promise<void> {
    for (let turn = 0; turn < PATIENCE && !this.#hasEnded; turn += 1) await yieldTurn();
    this.#isAlone = !this.#hasEnded;
    this.#throwFailure();
  }

  async #live(live: () => unknown): Promise<void> {
    try {
      await live();
    } catch (error) {
      // To be refused is how an agent that goes on asking hears that the channel is over.
      if (error instanceof ChannelError && error.code === 'channel_closed') return;
      if (this.#isAlone) reportToHost(error);
      this.#failure = { error };
    } finally {
      this.#hasEnded = true;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
