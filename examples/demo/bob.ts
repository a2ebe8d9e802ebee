import { filter, map } from 'rxjs';
import { type Agent, openOrJoin } from './agent.ts';
import type { Channel } from '../../src/index.ts';
import { hear, type Heard, isHeading, type Line } from './chat.ts';
import type { Notebook } from './notebook.ts';

/** Collects headings, and notes everything that is said. Killed and started again, he goes on from his data directory. */
export async function bob(agent: Agent): Promise<void> {
  const { channel$ } = await openOrJoin(agent);
  collectHeadings(channel$, agent.notebook);
}

/** What he does with the channel. */
export function collectHeadings(channel$: Channel, notebook: Pick<Notebook, 'note' | 'noteHeading'>): void {
  // Before `consume`, so that what is delivered again after a crash passes here too.
  channel$.pipe(map(hear), filter(isHeadingLine)).subscribe(({ seq, said }) => notebook.noteHeading(seq, said.text));

  // The message is acknowledged when this returns. Then the note is in the file.
  channel$.consume((message) => notebook.note(hear(message), message.redelivered));
}

function isHeadingLine(heard: Heard): heard is Heard & { readonly said: Line } {
  return heard.said.kind === 'line' && isHeading(heard.said.text);
}
