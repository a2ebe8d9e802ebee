import { type Observable, filter, firstValueFrom } from 'rxjs';
import { type ClientChannel, SkytaleClient } from '../../src/index.ts';
import { CHANNEL, type Heard, type Said, encodeSaid } from './chat.ts';
import type { Notebook } from './notebook.ts';
import type { AgentBrief, FromAgent, ToAgent } from './protocol.ts';
import type { Tally } from './tally.ts';

/** What every agent has at hand. */
export interface Agent {
  readonly brief: AgentBrief;
  readonly client: SkytaleClient;
  readonly notebook: Notebook;
  readonly tally: Tally;
  /** What the demo tells the agent. Hot; nothing is sent before the agent has asked for it. */
  readonly inbox$: Observable<ToAgent>;
  readonly tell: (message: FromAgent) => void;
}

/** The first message of a kind. */
export async function nextOf<Kind extends ToAgent['kind']>(
  inbox$: Observable<ToAgent>,
  kind: Kind,
): Promise<ToAgent & { readonly kind: Kind }> {
  return firstValueFrom(
    inbox$.pipe(filter((message): message is ToAgent & { readonly kind: Kind } => message.kind === kind)),
  );
}

/** The channel as the data directory has it; the first time, it is joined with the Welcome that alice makes. */
export async function openOrJoin({ client, tally, inbox$, tell }: Agent): Promise<ClientChannel> {
  const isMember = (await client.channels()).includes(CHANNEL);
  const channel = isMember ? await client.openChannel(CHANNEL) : await join();
  tally.watch(channel.channel$);
  return channel;

  async function join(): Promise<ClientChannel> {
    const keyPackage = await client.generateKeyPackage();
    const joining = nextOf(inbox$, 'join');
    tell({ kind: 'key-package', keyPackage });
    return client.joinChannel(CHANNEL, (await joining).welcome);
  }
}

/** Sends, and notes what was said at the place that the receipt tells. */
export async function say({ brief, tally, notebook }: Agent, channel: ClientChannel, said: Said): Promise<void> {
  tally.countSent();
  const { seq } = await channel.send(encodeSaid(said));
  const heard: Heard = { seq, from: brief.name, said };
  notebook.note(heard);
}
