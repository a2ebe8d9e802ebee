import { type Agent, openOrJoin, say } from './agent.ts';
import { hear, LINES_PER_ANSWER } from './chat.ts';

/** Counts words, answers on the same channel after every tenth line, and tells the total after the last one. */
export async function carol(agent: Agent): Promise<void> {
  const { notebook } = agent;
  const channel = await openOrJoin(agent);
  let wordsInAll = 0;
  let words = 0;

  channel.channel$.consume(async (message) => {
    const heard = hear(message);
    notebook.note(heard, message.redelivered);
    if (heard.said.kind !== 'line') return;

    const { number, of, text } = heard.said;
    words += countWords(text);
    wordsInAll += countWords(text);
    if (number % LINES_PER_ANSWER === 0) {
      await say(agent, channel, { kind: 'count', fromLine: number - LINES_PER_ANSWER + 1, toLine: number, words });
      words = 0;
    }
    if (number === of) await say(agent, channel, { kind: 'total', words: wordsInAll });
  });
}

function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}
