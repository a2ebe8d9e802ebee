import { systemClock } from '../../../src/base/clock.ts';
import { toSkytaleError } from '../../../src/base/errors.ts';
import { openSqliteEngine } from '../../../src/relay/engine/sqlite/sqlite-engine.ts';
import { CHANNEL, GROUP, messages } from '../support/submissions.ts';

// Run as a process of its own, under a limit on the size of files. Prints what it saw as one line of JSON.

// The kernel then answers a write beyond the limit with an error instead of ending the process.
process.on('SIGXFSZ', () => undefined);

const [, , dataDir = '', count] = process.argv;
const engine = await openSqliteEngine({ dataDir, clock: systemClock });
const failures: string[] = [];
const note = (error: unknown): void => void failures.push(toSkytaleError(error).code);
engine.appended$.subscribe({ error: note });
engine.accessChanges$.subscribe({ error: note });

let acknowledged = 0;
let reason: string | undefined;
while (reason === undefined && acknowledged < 10_000) {
  const { answers } = await engine.append({
    channel: CHANNEL,
    group: GROUP,
    submissions: messages(Number(count), 0n, 1000),
  });
  for (const answer of answers) {
    if (answer.kind === 'accepted') acknowledged = answer.seq;
    else reason = answer.reason;
  }
}
const { status } = await engine.health();
const readFails = await engine.read(CHANNEL, 0, { entries: 1, bytes: 1 }).then(
  () => 'no',
  (error: unknown) => toSkytaleError(error).code,
);
await engine.close();
process.stdout.write(`${JSON.stringify({ acknowledged, reason, failures, status, readFails })}\n`);
