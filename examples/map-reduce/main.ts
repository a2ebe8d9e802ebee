/**
 * Counts the words of a text with a swarm whose workers crash at random, and gets it exactly right: an answer counts once,
 * a job without an answer is done again.
 *
 * `SEED=1 npx tsx examples/map-reduce/main.ts` gives each job the same fate whenever it is run.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { defer, from, lastValueFrom, mergeMap, type Observable, retry, toArray } from 'rxjs';
import { type ActorRef, createSystem } from 'skytale-rx';
import { seededRandom } from '../lib/seeded-random.ts';
import { type Counts, wordsOf } from './counts.ts';
import { countCrashes } from './crashes.ts';
import { type Job, mappers, reducers, swarm, type Team } from './workers.ts';

const CHUNK_LINES = 2;
const JOBS_AT_ONCE = 8;

const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const lines = text.split('\n');
const chunks = Array.from({ length: Math.ceil(lines.length / CHUNK_LINES) }, (_, index) =>
  lines.slice(index * CHUNK_LINES, (index + 1) * CHUNK_LINES).join('\n'),
);

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
let crashes = 0;
let twice = 0;
await using system = createSystem({ random: seededRandom(seed), onCrash: () => undefined });
countCrashes(system.inspect$).subscribe((count) => (crashes = count));
system.deadLetters$.subscribe(({ reason }) => {
  if (reason === 'lateReply') twice += 1; // the worker crashed after its answer, and did the job again
});
await system.spawn(swarm, { id: 'swarm' }).ready;

let jobs = 0;
let turn = 0;

/** Asks the workers of a team in turn. A job that its worker failed on twice was set aside: it goes to the next one. */
function ask<T extends Job>(team: Team<T>, describe: (job: Job) => T): Observable<Counts> {
  const luck = seededRandom(seed * 1000 + jobs++);
  return defer(() => {
    const worker = system.registry.get<T>(`${team.name}-${turn++ % team.size}`) as ActorRef<T>;
    return worker.ask<Counts>((reply) => describe({ luck, reply }), { timeoutMs: 5000 });
  }).pipe(retry(20));
}

const parts = await lastValueFrom(
  from(chunks).pipe(
    mergeMap((chunk) => ask(mappers, (job) => ({ ...job, chunk })), JOBS_AT_ONCE),
    toArray(),
  ),
);
const halves = [parts.filter((_, index) => index % 2 === 0), parts.filter((_, index) => index % 2 === 1)];
const sums = await lastValueFrom(
  from(halves).pipe(
    mergeMap((half) => ask(reducers, (job) => ({ ...job, parts: half }))),
    toArray(),
  ),
);
const total = await lastValueFrom(ask(reducers, (job) => ({ ...job, parts: sums })));

// The same by hand, word by word.
const expected: Record<string, number> = {};
for (const word of wordsOf(text)) expected[word] = (expected[word] ?? 0) + 1;
assert.deepEqual(Object.fromEntries(total), expected);
assert.ok(crashes > 10, `only ${crashes} crashes: nothing was shown`);
console.log(
  `map-reduce: ${wordsOf(text).length} words in ${chunks.length} chunks, ${total.size} different ones, exact; ` +
    `${crashes} crashes, ${twice} jobs done twice (seed ${seed})`,
);
