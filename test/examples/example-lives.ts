import { firstValueFrom, take, toArray } from 'rxjs';
import { type Channel, text } from '../../src/index.ts';
import { keepPayloads, record, type Recording, type TapeSink, World } from '../../src/replay/index.ts';

// How the tapes of the examples come to be: short lives in a simulated world, the same each time.

type Ends<Name extends string> = Readonly<Record<Name, Channel>>;

/** Some agents on some channels, of which one end of each is recorded. */
export class Stage implements AsyncDisposable {
  readonly world: World = new World({ seed: 1 });
  readonly #recordings: Recording[] = [];

  /** The first makes the channel and adds the others. */
  async meet<Name extends string>(name: string, ...names: readonly Name[]): Promise<Ends<Name>> {
    const { world } = this;
    const [founder = 'nobody', ...others] = names;
    const room = await world.complete(world.agent(founder).client.createChannel(name));
    const ends: [string, Channel][] = [[founder, room.channel$]];
    for (const other of others) {
      const { client } = world.agent(other);
      const welcome = await world.complete(client.generateKeyPackage().then((keys) => room.addMember(keys)));
      ends.push([other, (await world.complete(client.joinChannel(name, welcome))).channel$]);
    }
    return Object.fromEntries(ends) as Ends<Name>;
  }

  /** Records a channel from when it is live. What is said in examples is no secret. */
  async record(channel$: Channel, sink: TapeSink): Promise<void> {
    channel$.connect();
    await this.world.until(() => channel$.status$.value === 'live');
    this.#recordings.push(await this.world.complete(record(channel$, sink, { redact: keepPayloads })));
  }

  /** Says something, line by line, with a while in between. */
  async say(channel$: Channel, ...lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      await this.world.complete(channel$.as(text()).send(line));
      await this.world.run(100);
    }
  }

  /** What comes of a question: so many answers. */
  async ask(channel$: Channel, question: string, to: string, answers: number): Promise<void> {
    const replies$ = channel$
      .as(text())
      .request(question, { timeoutMs: 5_000, to: new TextEncoder().encode(to), expect: 'all' });
    await this.world.complete(firstValueFrom(replies$.pipe(take(answers), toArray())));
    await this.world.run(100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world.run(500);
    for (const recording of this.#recordings) await this.world.complete(recording.stop());
    await this.world[Symbol.asyncDispose]();
  }
}
