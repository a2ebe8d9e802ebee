import { readFile } from 'node:fs/promises';
import { filter, firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { type Channel, iterate, text } from '../../../src/index.ts';
import { assertReplays, replay, type Replay } from '../../../src/replay/index.ts';
import { answerPings, pingTape } from './ping-tape.ts';

const WAIT = { capacity: 1, overflow: 'wait' } as const;
/** Its answers are of those that somebody waited for. */
const tape = await pingTape((channel$) => void answerInLoop(channel$));

/** Answers pings, in a loop that goes on for as long as the channel does. */
async function answerInLoop(channel$: Channel): Promise<string[]> {
  const chat$ = channel$.as(text());
  const heard: string[] = [];
  for await (const { payload } of iterate(chat$, WAIT)) {
    heard.push(payload);
    if (payload === 'ping') await chat$.send('pong');
  }
  return heard;
}

it.each(['plaintext', 'wire'] as const)('may be a loop over messages, which ends with the %s tape', async (mode) => {
  const heard: string[][] = [];
  const recorded = mode === 'wire' ? await pingTape((channel$) => void answerInLoop(channel$), mode) : tape;
  await assertReplays(recorded, async (channel$) => void heard.push(await answerInLoop(channel$)));
  expect(heard).toEqual([['ping', 'done']]);
});

it('may wait for the channel, for the clock of the tape or for a file before it turns to messages', async () => {
  await assertReplays(tape, async (channel$) => {
    await firstValueFrom(channel$.status$.pipe(filter((status) => status === 'live')));
    await answerInLoop(channel$);
  });
  await assertReplays(tape, async (channel$, { clock }) => {
    await new Promise<void>((resolve) => void clock.schedule(1, resolve));
    await answerInLoop(channel$);
  });
  await assertReplays(tape, async (channel$) => {
    await readFile(new URL(import.meta.url));
    answerPings(channel$);
  });
});

it('cannot wait for an outcome for which nobody waited then', async () => {
  const forgetful = await pingTape();
  await assertReplays(forgetful, (channel$) => answerPings(channel$));
  await expect(assertReplays(forgetful, answerInLoop)).rejects.toThrow(
    'nobody waited then for what came of this message, so it is not on the tape',
  );
});

it('does not pass by saying nothing, where a spectator does', async () => {
  await expect(assertReplays(tape, (channel$) => channel$.subscribe())).rejects.toThrow(
    'a send was recorded, and was not asked for',
  );
  await expect(assertReplays(tape, () => undefined)).rejects.toMatchObject({ code: 'replay_diverged' });
  await assertReplays(tape, (channel$) => channel$.subscribe(), { silence: 'allow' });
  const run = await replay(tape);
  run.channel$.subscribe();
  await run.play();
});

it('fails with what it throws, whenever that is', async () => {
  const broken = new Error('the agent is broken');
  const agents: Record<string, (channel$: Channel, run: Replay) => unknown> = {
    'at once': () => {
      throw broken;
    },
    'before anything happens': () => Promise.reject(broken),
    'in its loop': async (channel$) => {
      for await (const { seq } of iterate(channel$, WAIT)) throw Object.assign(broken, { seq });
    },
    'behind its loop': async (channel$) => {
      await answerInLoop(channel$);
      throw broken;
    },
  };
  for (const [when, agent] of Object.entries(agents)) {
    await expect(assertReplays(tape, agent), when).rejects.toBe(broken);
  }
});

it('may hear from a refusal that the channel is over', async () => {
  await assertReplays(tape, async (channel$) => {
    await answerInLoop(channel$);
    await channel$.as(text()).send('and another thing');
  });
});

it('fails for a timer that it starts in its first line', async () => {
  const agent = (channel$: Channel): void => {
    clearTimeout(setTimeout(() => undefined, 1_000));
    answerPings(channel$);
  };
  await expect(assertReplays(tape, agent)).rejects.toThrow(/setTimeout was called.*agent-under-test\.test\.ts/);
  await assertReplays(tape, agent, { strayTimers: 'allow' });
});
