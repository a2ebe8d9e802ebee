import { concatMap, filter, map, mergeMap, pairwise, startWith } from 'rxjs';
import { type Agent, say } from './agent.ts';
import { CHANNEL, hear, type Line, readLines } from './chat.ts';

/** Lines that wait for their receipts at the same time. */
const WINDOW = 32;

/** Makes the channel, adds the others, and sends a file line by line, as far as the demo lets her. */
export async function alice(agent: Agent): Promise<void> {
  const { brief, client, notebook, tally, inbox$, tell } = agent;
  const creating = client.createChannel(CHANNEL);

  inbox$
    .pipe(
      filter((message) => message.kind === 'add'),
      concatMap(async ({ member, keyPackage }) => {
        const channel = await creating;
        return { member, welcome: await channel.addMember(keyPackage) };
      }),
    )
    .subscribe(({ member, welcome }) => tell({ kind: 'welcome', member, welcome }));

  const channel = await creating;
  const { channel$ } = channel;
  tally.watch(channel$);
  channel$.pipe(map(hear)).subscribe((answer) => notebook.note(answer));

  const texts = readLines(brief.inputPath);
  const lines = texts.map((text, index): Line => ({ kind: 'line', number: index + 1, of: texts.length, text }));
  inbox$
    .pipe(
      filter((message) => message.kind === 'go'),
      map(({ upToLine }) => upToLine),
      startWith(0),
      pairwise(),
      concatMap(([sent, upToLine]) => lines.slice(sent, upToLine)),
      mergeMap((line) => say(agent, channel, line), WINDOW),
    )
    .subscribe();
}
