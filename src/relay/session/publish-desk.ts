import type { ChannelName } from '../../base/channel-name.ts';
import { answerToWire, quotaToWire } from '../../transport/index.ts';
import type { PublishAnswer, ServerFrameInit, Submission } from '../../transport/index.ts';
import { judgeScopes, quotaOf, scopeText } from '../access/index.ts';
import type { Judged, Principal } from '../access/index.ts';
import type { AppendOutcome, Usage } from '../engine/log-engine.ts';
import { refused } from '../engine/log-rules.ts';
import { monthStart } from '../engine/month.ts';
import { ClaimedChannels } from './claimed-channels.ts';
import { checkPublish } from './publish-intake.ts';
import type { PublishFrame } from './publish-intake.ts';
import { RefusedRounds } from './refused-rounds.ts';
import type { SessionContext } from './session-context.ts';
import type { Sender } from './token-desk.ts';

/** What a publish that waits costs beside its bytes: two bytes make one, and half a million of them would count as nothing. */
const PUBLISH_COST_BYTES = 256;

/** The connection, as its publishes see it. */
export interface PublishDeskOutlet {
  send(frame: ServerFrameInit): void;
  /** What waits for an answer has become more or less. */
  changed(): void;
  /** A mistake of ours. */
  failed(error: unknown): void;
}

/** The publishes of one connection: has them judged and stored, answers each in one frame. */
export class PublishDesk {
  readonly #context: SessionContext;
  readonly #sender: () => Sender | undefined;
  readonly #outlet: PublishDeskOutlet;
  readonly #claimed: ClaimedChannels;
  readonly #rounds = new RefusedRounds();
  #unansweredBytes = 0;
  /** Those who wait until nothing is unanswered. */
  readonly #onAnswered: (() => void)[] = [];
  /** As of the last answer of the log. */
  #usage: Usage | undefined;

  /** @param sender who publishes now; `undefined` where the relay is open */
  constructor(context: SessionContext, sender: () => Sender | undefined, outlet: PublishDeskOutlet) {
    this.#context = context;
    this.#sender = sender;
    this.#outlet = outlet;
    this.#claimed = new ClaimedChannels(context.engine);
  }

  /** What publishes without an answer cost, in bytes. */
  get unansweredBytes(): number {
    return this.#unansweredBytes;
  }

  /** Resolves when every publish has its answer. */
  answered(): Promise<void> {
    if (this.#unansweredBytes === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onAnswered.push(resolve));
  }

  /** @param bytes length of the frame */
  publish(frame: PublishFrame, bytes: number): void {
    const cost = bytes + PUBLISH_COST_BYTES;
    this.#unansweredBytes += cost;
    this.#outlet.changed();
    this.#answer(frame)
      .catch((error: unknown) => this.#outlet.failed(error))
      .finally(() => {
        this.#unansweredBytes -= cost;
        if (this.#unansweredBytes === 0) for (const resolve of this.#onAnswered.splice(0)) resolve();
        this.#outlet.changed();
      });
  }

  async #answer(frame: PublishFrame): Promise<void> {
    const { clock, engine, limits } = this.#context;
    const arrivedAtMs = clock.now();
    const sender = this.#sender();
    const { channel, items: sound } = checkPublish(frame, limits);
    let items = sound;
    let outcome: AppendOutcome | undefined;
    if (channel !== undefined) {
      if (sender !== undefined) {
        const { principal, rates } = sender;
        const barrier = this.#rounds.barrier(channel, frame.round)?.reason;
        // What is not judged by its rate costs nothing.
        if (barrier === 'unavailable') items = this.#rounds.holdBack(items, channel, frame.round);
        const arrival = { isBehind: barrier === 'rate-limited', nowMs: arrivedAtMs };
        items = rates.judge(judgeScopes(items, principal.scopes), arrival);
        this.#rounds.note(channel, frame.round, sound, items);
        if (!principal.scopes.has('create') && !this.#claimed.has(channel)) {
          items = await this.#judgeCreation(items, channel, principal);
        }
      }
      items = this.#rounds.holdBack(items, channel, frame.round);
      const submissions = items.filter((item): item is Submission => item.kind !== 'refused');
      if (submissions.length > 0) {
        const by = sender === undefined ? {} : { by: publisherOf(sender.principal) };
        outcome = await engine.append({ channel, group: frame.group, submissions, ...by });
      }
    }
    const stored = (outcome?.answers ?? [])[Symbol.iterator]();
    const answers = items.map((item) => (item.kind === 'refused' ? item : (stored.next().value as PublishAnswer)));
    if (channel !== undefined) this.#rounds.note(channel, frame.round, sound, answers);
    this.#count(items, answers, (clock.now() - arrivedAtMs) / 1000);
    const value = { request: frame.request, answers: answers.map(answerToWire) };
    const limit = sender?.principal.messagesPerMonth;
    if (sender !== undefined && limit !== undefined) {
      this.#usage = outcome?.usage ?? (await this.#lastUsage(sender.principal));
      const quota = this.#usage && quotaToWire(quotaOf(this.#usage, limit));
      this.#outlet.send({ case: 'published', value: quota === undefined ? value : { ...value, quota } });
    } else this.#outlet.send({ case: 'published', value });
  }

  /** For a token that may not create: what it would store in a channel that nobody has claimed is refused. */
  async #judgeCreation(
    items: readonly Judged[],
    channel: ChannelName,
    { account }: Principal,
  ): Promise<readonly Judged[]> {
    let refusal;
    try {
      if (await this.#claimed.ask(channel, account)) return items;
      refusal = refused('unauthorized', scopeText('create'), 0);
    } catch (error) {
      this.#context.logger.error({ err: error }, 'the log cannot be read');
      refusal = refused('unavailable', 'the log cannot be read just now', 0);
    }
    return items.map((item) => (item.kind === 'refused' ? item : refusal));
  }

  /** What the log said last. Where nothing came to the log yet it has to be asked. */
  async #lastUsage({ account }: Principal): Promise<Usage | undefined> {
    const month = monthStart(this.#context.clock.now());
    if (this.#usage !== undefined && this.#usage.monthStartMs >= month) return this.#usage;
    try {
      return await this.#context.engine.usage(account, month);
    } catch (error) {
      this.#context.logger.error({ err: error }, 'the log cannot be read');
      return undefined;
    }
  }

  #count(items: readonly Judged[], answers: readonly PublishAnswer[], seconds: number): void {
    const { metrics } = this.#context;
    let entries = 0;
    let bytes = 0;
    for (const [index, answer] of answers.entries()) {
      const item = items[index];
      if (answer.kind === 'refused') metrics.refused(answer.reason);
      else if (!answer.duplicate && item !== undefined && item.kind !== 'refused') {
        entries += 1;
        bytes += item.payload.length;
      }
    }
    if (entries > 0) metrics.stored(entries, bytes, Math.max(0, seconds));
  }
}

/** Without the rest of the principal: an engine may hand it to another thread. */
function publisherOf({ account, messagesPerMonth }: Principal): {
  account: Principal['account'];
  messagesPerMonth: number | undefined;
} {
  return { account, messagesPerMonth };
}
