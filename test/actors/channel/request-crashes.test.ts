import { catchError, firstValueFrom, map, of, retry } from 'rxjs';
import { expect, it } from 'vitest';
import type { ClientChannel, SkytaleClient } from '../../../src/index.ts';
import { bytes, CHANNEL, channelOf, invite, reaches, Swarm, text } from '../../support/swarm.ts';
import { seededRandom, seedOfRun } from '../../support/seeded.ts';

const ASKERS = 6;
const REQUESTS_EACH = 8;
const CRASHES = 3;
const TRIES = 9;

/** A member that squares numbers, and whose process can die. */
class Responder {
  readonly #swarm: Swarm;
  readonly #name: string;
  readonly #serve: (channel: ClientChannel) => void;
  #transport: ReturnType<Swarm['relay']['connect']>;
  #agent: SkytaleClient;
  #channel: ClientChannel | undefined;

  private constructor(swarm: Swarm, name: string, serve: (channel: ClientChannel) => void) {
    this.#swarm = swarm;
    this.#name = name;
    this.#serve = serve;
    this.#transport = swarm.relay.connect();
    this.#agent = swarm.agent(name, { transport: this.#transport });
  }

  static async join(
    alice: ClientChannel,
    swarm: Swarm,
    name: string,
    serve: (channel: ClientChannel) => void,
  ): Promise<Responder> {
    const responder = new Responder(swarm, name, serve);
    responder.#channel = await invite(alice, responder.#agent);
    serve(responder.#channel);
    return responder;
  }

  /**
   * From one moment to the next nothing leaves any more; another run goes on from what is on disk then. What was worked on is
   * lost, what was to be sent is not.
   */
  async crash(): Promise<void> {
    await this.#transport.close();
    await this.#channel?.close({ graceMs: 0 });
    await this.#agent.close();
    this.#transport = this.#swarm.relay.connect();
    this.#agent = this.#swarm.agent(this.#name, { transport: this.#transport });
    const channel = await this.#agent.openChannel(CHANNEL);
    this.#channel = channel;
    this.#serve(channel);
    await reaches(channel.channel$, 'live');
  }
}

it(
  'answers each request rightly while responders crash and fail, and leaves none waiting',
  { timeout: 60_000 },
  async () => {
    const random = seededRandom(seedOfRun());
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    const fired = { crashes: 0, failures: 0, retries: 0 };
    const idsOf = new Map<string, Set<string>>();
    const serve = ({ channel$ }: ClientChannel): void => {
      channel$.respond(({ id, payload, attempt }) => {
        const question = text(payload);
        idsOf.set(question, (idsOf.get(question) ?? new Set()).add(id));
        if (attempt > 1) fired.retries += 1;
        if (random() < 0.2) {
          fired.failures += 1;
          throw new Error('no luck');
        }
        return of(bytes(`${question} squared is ${Number(question) ** 2}`));
      });
    };
    const bob = await Responder.join(alice, swarm, 'bob', serve);
    const carol = await Responder.join(alice, swarm, 'carol', serve);
    let isCrashing = true;
    let asked = 0;
    const ask = (): Promise<void> => {
      const question = (asked += 1);
      const to = random() < 0.5 ? undefined : bytes(random() < 0.5 ? 'bob' : 'carol');
      const request = alice.channel$.request(bytes(`${question}`), { timeoutMs: 500, ...(to && { to }) }).pipe(
        map(({ payload }) => text(payload)),
        retry(TRIES - 1),
        catchError((error: unknown) => of((error as { code: string }).code)),
      );
      return firstValueFrom(request).then((outcome) => void outcomes.push([question, outcome]));
    };
    const outcomes: [number, string][] = [];
    const asker = async (): Promise<void> => {
      for (let request = 0; request < REQUESTS_EACH || isCrashing; request += 1) await ask();
    };

    const asking = Promise.all(Array.from({ length: ASKERS }, asker));
    try {
      for (let run = 0; run < CRASHES; run += 1) {
        await (random() < 0.5 ? bob : carol).crash();
        fired.crashes += 1;
      }
    } finally {
      isCrashing = false;
    }
    await asking;

    expect(outcomes.length).toBe(asked);
    const answered = outcomes.filter(([, outcome]) => outcome.includes('squared'));
    for (const [question, outcome] of answered) expect(outcome).toBe(`${question} squared is ${question ** 2}`);
    // A request has so many tries that in the end nearly all are answered; each under one id.
    for (const [, outcome] of outcomes) expect(outcome).toMatch(/squared|^request_(timeout|failed)$/);
    expect(answered.length).toBeGreaterThan(asked * 0.9);
    for (const ids of idsOf.values()) expect(ids.size).toBe(1);
    console.info(`${asked} requests, ${fired.crashes} crashes, ${fired.failures} failures, ${fired.retries} retries`);
    expect(fired.crashes).toBe(CRASHES);
    expect(fired.failures).toBeGreaterThan(0);
    expect(fired.retries).toBeGreaterThan(0);
  },
);
