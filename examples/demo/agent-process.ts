import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { auditTime, merge } from 'rxjs';
import { SkytaleClient } from '../../src/index.ts';
import { type Agent, nextOf } from './agent.ts';
import { alice } from './alice.ts';
import { bob } from './bob.ts';
import { carol } from './carol.ts';
import { Notebook } from './notebook.ts';
import { connectParent, readBrief } from './parent.ts';
import type { AgentBrief, FromAgent, ToAgent } from './protocol.ts';
import { Tally } from './tally.ts';

/** One agent, in a process of its own: opens what it has on disk, plays its role, and reports how far it is. */
const REPORT_EVERY_MS = 10;
const roles = { alice, bob, carol };

const { inbox$, tell, leave } = connectParent<ToAgent, FromAgent>();
const finished = nextOf(inbox$, 'finish');
const brief = readBrief() as AgentBrief;
mkdirSync(join(brief.dataDir, 'notebook'), { recursive: true, mode: 0o700 });

const client = new SkytaleClient(brief.endpoint, join(brief.dataDir, 'skytale'), new TextEncoder().encode(brief.name));
const notebook = Notebook.open(join(brief.dataDir, 'notebook', 'notes.jsonl'));
const tally = new Tally();
merge(notebook.changes$, tally.changes$)
  .pipe(auditTime(REPORT_EVERY_MS))
  .subscribe(() => tell(progress()));

await roles[brief.name]({ brief, client, notebook, tally, inbox$, tell } satisfies Agent);
tell(progress());

await finished;
await client.close();
leave(progress());

function progress(): FromAgent {
  const { status, sent, gaps, decryptFailures, otherFaults, reconnects } = tally;
  const { lines, redelivered, duplicates, missing } = notebook;
  const counts = { redelivered, duplicates, gaps, decryptFailures, otherFaults, reconnects };
  const waitsFor = missing ?? 'the end';
  return { kind: 'progress', progress: { ...counts, status, waitsFor, sent, lines, isDone: missing === undefined } };
}
