import { readTape, replay, type Tape } from '../../../src/replay/index.ts';
import { serve } from '../../serve.ts';
import { nowMs } from '../../e2e/payload.ts';

/** How fast a tape was played. */
export interface Playing {
  readonly messages: number;
  /** From `replay` to the end of the tape. */
  readonly playMs: number;
  /** What it took before that to read the tape. */
  readonly readMs: number;
}

/** Where a tape is. */
export interface TapeFile {
  readonly file: string;
  readonly key?: Uint8Array;
}

const calls = {
  /** Plays a tape as fast as it can, with somebody who listens. */
  async play({ file, key }: TapeFile): Promise<Playing> {
    const startedAtMs = nowMs();
    const tape: Tape = await readTape(file, key);
    const readAtMs = nowMs();
    const run = await replay(tape);
    let messages = 0;
    run.channel$.subscribe(() => (messages += 1));
    await run.play();
    return { messages, playMs: nowMs() - readAtMs, readMs: readAtMs - startedAtMs };
  },
};

/** What this program can be asked for. */
export type TapeCalls = typeof calls;

serve(calls, () => Promise.resolve());
