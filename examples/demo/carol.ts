import { type Agent, openOrJoin, say } from './agent.ts';
import type { Channel } from '../../src/index.ts';
import { hear, LINES_PER_ANSWER, type Said } from './chat.ts';
import type { Notebook } from './notebook.ts';

/** Counts words, answers on the same channel after every tenth line, and tells the total after the last one. */
export async function carol(agent: Agent): Promise<void> {
  const channel = await openOrJoin(agent);
  countAndAnswer(channel.channel$, agent.notebook, (said) => say(agent, channel, said));
}

/** What she does with the channel. */
export function countAndAnswer(
  channel$: Channel,
  notebook: Pick<Notebook, 'note'>,
  answer: (said: Said) => Promise<void>,
): void {
  let wordsInAll = 0;
  let words = 0;

  channel$.consume(async (message) => {
    const heard = hear(message);
    notebook.note(heard, message.redelivered);
    if (heard.said.kind !== 'line') return;

    const { number, of, text } = heard.said;
    words += countWords(text);
    wordsInAll += countWords(text);
    if (number % LINES_PER_ANSWER === 0) {
      await answer({ kind: 'count', fromLine: number - LINES_PER_ANSWER + 1, toLine: number, words });
      words = 0;
    }
    if (number === of) await answer({ kind: 'total', words: wordsInAll });
  });
}

function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}
