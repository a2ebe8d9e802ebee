import type { ChannelName } from '../../base/channel-name.ts';
import type { PublishAnswer } from '../../transport/index.ts';
import type { Judged } from '../access/index.ts';
import type { Refused } from '../engine/log-rules.ts';

/** Channels whose refused round is remembered. */
const MAX_ROUNDS = 1024;

interface RefusedRound {
  readonly round: number;
  readonly refusal: Refused;
}

/**
 * The rounds of one connection in which a message was refused for the moment: it will come again. What comes behind it, in its round
 * or in one before, was under way already and would overtake it. Commits have their own order, by epochs.
 */
export class RefusedRounds {
  /** The latest of each channel; the one that was refused first in front. */
  readonly #rounds = new Map<ChannelName, RefusedRound>();

  /** Why messages of a round may not pass; `undefined` if they may. */
  barrier(channel: ChannelName, round: number): Refused | undefined {
    const refused = this.#rounds.get(channel);
    return refused !== undefined && round > 0 && round <= refused.round ? refused.refusal : undefined;
  }

  /** The items, with a refusal in the place of each message that would overtake another. */
  holdBack(items: readonly Judged[], channel: ChannelName, round: number): readonly Judged[] {
    const barrier = this.barrier(channel, round);
    return barrier === undefined ? items : items.map((item) => (item.kind === 'message' ? barrier : item));
  }

  /** Takes notice of what became of a frame. */
  note(
    channel: ChannelName,
    round: number,
    items: readonly Judged[],
    outcome: readonly (Judged | PublishAnswer)[],
  ): void {
    if (round === 0 || this.barrier(channel, round) !== undefined) return;
    for (const [index, answer] of outcome.entries()) {
      if (items[index]?.kind !== 'message' || answer.kind !== 'refused' || !isForNow(answer)) continue;
      this.#rounds.delete(channel);
      this.#rounds.set(channel, { round, refusal: answer });
      const [oldest] = this.#rounds.keys();
      if (this.#rounds.size > MAX_ROUNDS && oldest !== undefined) this.#rounds.delete(oldest);
      return;
    }
  }
}

function isForNow({ reason }: Refused): boolean {
  return reason === 'rate-limited' || reason === 'unavailable';
}
