import { join } from 'node:path';
import { filter } from 'rxjs';
import { AgentHandle } from './agent-handle.ts';
import { type AgentName, readLines } from './chat.ts';
import type { Evidence } from './check.ts';
import type { Child } from './child.ts';
import type { Display } from './display.ts';
import { planKills } from './kill-plan.ts';
import { linesIn } from './notebook.ts';
import { findPlaintext } from './plaintext.ts';
import { startRelayProcess } from './relay-handle.ts';
import type { Stage } from './stage.ts';

export interface StoryOptions {
  readonly inputPath: string;
  /** Where the relay and each agent have a directory of their own. */
  readonly dataDir: string;
  /** Decides at which lines something is killed. */
  readonly seed: number;
}

/** What the story leaves. */
export interface StoryEnd extends Evidence {
  /** From the first line sent until everybody has noted everything. */
  readonly elapsedMs: number;
  readonly restarts: Readonly<Record<AgentName, number>>;
}

/**
 * Plays the demo: alice sends a file, bob and carol listen, the relay is killed, bob is killed, and all end with the
 * same notes. Rejects when the stage fails.
 */
export async function playStory(options: StoryOptions, stage: Stage, display: Display): Promise<StoryEnd> {
  const { inputPath, dataDir, seed } = options;
  const lines = readLines(inputPath);
  const plan = planKills(lines.length, seed);
  const relayDir = join(dataDir, 'relay');

  const firstRelay = await startRelayProcess({ dataDir: relayDir, port: 0 }, stage);
  const { endpoint, port } = firstRelay;
  display.event('relay', `listens on ${endpoint}`);

  const cast = (name: AgentName): AgentHandle =>
    new AgentHandle({ name, endpoint, dataDir: join(dataDir, name), inputPath }, stage);
  const [alice, bob, carol] = [cast('alice'), cast('bob'), cast('carol')];
  const agents = [alice, bob, carol];
  introduce(alice, bob);
  introduce(alice, carol);
  for (const agent of agents) agent.start();
  display.watch(agents, lines.length);
  await stage.until('all three are in the channel', () => agents.every(({ progress }) => progress !== undefined));
  display.event('alice', 'has made the channel and added bob and carol');

  const letAliceSend = (upToLine: number): void => alice.process.tell({ kind: 'go', upToLine });
  const startedAt = performance.now();

  letAliceSend(plan.relayGate);
  await stage.until(`bob and carol have line ${plan.relayAtLine}`, () =>
    [bob, carol].every((agent) => agent.lines >= plan.relayAtLine),
  );
  const toRelay = await killMidway(
    stage,
    firstRelay.process,
    () => letAliceSend(plan.bobGate),
    // Lines behind the gate have been sent while the relay was frozen: it cannot have answered them.
    () => ((alice.progress?.sent ?? 0) > plan.relayGate ? (alice.progress?.sent ?? 0) - alice.lines : 0),
  );
  display.event('relay', `killed while ${toRelay} lines waited for its answer`);
  const relay = await startRelayProcess({ dataDir: relayDir, port }, stage);
  display.event('relay', 'is back on its port, with the log that it had');

  await stage.until(`bob has line ${plan.bobAtLine}`, () => bob.lines >= plan.bobAtLine);
  const toBob = await killMidway(
    stage,
    bob.process,
    () => letAliceSend(lines.length),
    () => alice.lines - linesIn(bob.notes),
  );
  display.event('bob', `killed while ${toBob} lines were on their way to him`);
  bob.start();
  await stage.until('bob is back in the channel', () => bob.progress !== undefined);
  display.event('bob', 'is back, from his data directory');

  await stage.until('everybody has noted everything', () => agents.every(({ progress }) => progress?.isDone === true));
  const elapsedMs = performance.now() - startedAt;

  for (const { process } of agents) process.finish({ kind: 'finish' });
  await stage.until('the agents have ended', () => agents.every(({ process }) => process.hasEnded));
  // While the relay still runs: closing it tidies its files up.
  const sightings = findPlaintext(relayDir, lines);
  const control = findPlaintext(join(dataDir, 'bob', 'notebook'), lines);
  relay.process.finish({ kind: 'finish' });
  await stage.until('the relay has ended', () => relay.process.hasEnded);

  return {
    lines,
    notes: { alice: alice.notes, bob: bob.notes, carol: carol.notes },
    counts: { alice: alice.counts, bob: bob.counts, carol: carol.counts },
    restarts: { alice: alice.restarts, bob: bob.restarts, carol: carol.restarts },
    linesInFlight: { relay: toRelay, bob: toBob },
    sightings,
    control,
    elapsedMs,
  };
}

/**
 * Kills a process while lines are on their way to it: freezes it, lets alice go on, and kills it when some wait.
 *
 * @param waiting how many lines are on their way
 * @returns how many were, at the kill
 */
async function killMidway(
  stage: Stage,
  victim: Child<never, unknown>,
  letAliceGoOn: () => void,
  waiting: () => number,
): Promise<number> {
  victim.freeze();
  letAliceGoOn();
  await stage.until('lines are in flight, so that somebody can be killed midway', () => waiting() > 0);
  const inFlight = waiting();
  await victim.kill();
  return inFlight;
}

/** Carries the key package of `joiner` to `alice`, and her Welcome back. The rest goes by the channel. */
function introduce(alice: AgentHandle, joiner: AgentHandle): void {
  joiner.messages$
    .pipe(filter((message) => message.kind === 'key-package'))
    .subscribe(({ keyPackage }) => alice.process.tell({ kind: 'add', member: joiner.name, keyPackage }));
  alice.messages$
    .pipe(
      filter((message) => message.kind === 'welcome'),
      filter(({ member }) => member === joiner.name),
    )
    .subscribe(({ welcome }) => joiner.process.tell({ kind: 'join', welcome }));
}
