import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { lastValueFrom, type Observable, tap } from 'rxjs';
import { TransportError } from '../../base/errors.ts';
import { sleepUnlessAborted } from '../../base/clock.ts';
import { attachInspection, INSPECTION_SOCKET, type InspectionFrame } from '../../inspection/index.ts';
import { iterate } from '../../streams/index.ts';
import type { CliContext } from '../context.ts';
import { explain, jsonOption } from '../options.ts';
import { UsageError } from '../report.ts';
import { agentSettings, configDirectory } from '../settings.ts';
import { drawTree } from '../tree/draw.ts';
import { LiveView } from '../tree/live-view.ts';
import { TreeState } from '../tree/tree-state.ts';

interface Flags {
  readonly identity?: string;
  readonly dataDir?: string;
  readonly socket?: string;
  readonly once: boolean;
  readonly json: boolean;
}

/** How often the screen is drawn, at most. */
const FRAME_MS = 100;

/** `skytale tree`. */
export function treeCommand(context: CliContext): Command {
  const command = jsonOption(
    new Command('tree').description("watch an agent's process: its actors, channels, and its connection"),
    'print the feed as it is, one frame a line (docs/inspection.md)',
  )
    .option('--identity <name>', 'whose process (SKYTALE_IDENTITY); without it the only one that runs')
    .option('--data-dir <directory>', 'the directory of that agent (SKYTALE_DATA_DIR)')
    .option('--socket <path>', 'where the process serves its feed, if not in its data directory')
    .option('--once', 'print the tree as it is now, and end', false)
    .action((flags: Flags) => tree(context, flags));
  return explain(command, {
    examples: [
      'skytale tree --identity alice',
      'skytale tree --once',
      'skytale tree --json | jq -c \'select(.frame == "event")\'',
    ],
    notes:
      'Commands of skytale serve the feed while they run. In your own program: new SkytaleClient(…, { inspect: true }).\n' +
      'It is read-only and holds no payloads and no keys. Ctrl-C ends the view, and not the agent.',
  });
}

async function tree(context: CliContext, flags: Flags): Promise<void> {
  const { terminal } = context;
  const frames$ = attachInspection(findSocket(context, flags), { signal: terminal.signal });
  if (terminal.isTty && !flags.once && !flags.json) await drawLive(context, frames$);
  else await print(context, iterate(frames$, { capacity: 4_096, overflow: 'error' }), flags);
  terminal.signal.throwIfAborted();
  if (!flags.once) terminal.note('skytale: the agent has ended\n');
}

/** As lines: the frames themselves, or the tree, once or whenever something changes. */
async function print(
  { terminal }: CliContext,
  frames: AsyncIterable<InspectionFrame>,
  { json, once }: Pick<Flags, 'json' | 'once'>,
): Promise<void> {
  const state = new TreeState();
  const paper = {
    hasColour: terminal.hasColour,
    columns: () => (terminal.isTty ? terminal.columns() : 400),
    rows: () => 10_000,
  };
  for await (const frame of frames) {
    state.apply(frame);
    const isNews = frame.frame === 'snapshot' || frame.frame === 'changes';
    if (json) await terminal.write(`${JSON.stringify(frame)}\n`);
    else if (isNews) await terminal.write(`${drawTree(state, paper).join('\n')}\n`);
    if (once && isNews) return;
  }
}

async function drawLive({ terminal, clock }: CliContext, frames$: Observable<InspectionFrame>): Promise<void> {
  const state = new TreeState();
  const view = new LiveView(terminal);
  const over = new AbortController();
  const screen = { isOld: false };
  const watching = lastValueFrom(
    frames$.pipe(
      tap((frame) => {
        state.apply(frame);
        screen.isOld = true;
      }),
    ),
    { defaultValue: undefined },
  ).finally(() => over.abort());
  // As often as an eye can follow, whatever the feed does.
  do {
    if (screen.isOld) await view.draw(drawTree(state, terminal));
    screen.isOld = false;
  } while (await sleepUnlessAborted(clock, FRAME_MS, over.signal));
  await watching;
}

function findSocket(context: CliContext, { socket, identity, dataDir }: Flags): string {
  if (socket !== undefined) return resolve(socket);
  if (dataDir !== undefined) return join(resolve(dataDir), INSPECTION_SOCKET);
  const { environment } = context;
  if (
    identity !== undefined ||
    (environment['SKYTALE_IDENTITY'] ?? '') !== '' ||
    (environment['SKYTALE_DATA_DIR'] ?? '') !== ''
  ) {
    return join(
      agentSettings(context, identity === undefined ? { json: false } : { identity, json: false }).dataDir,
      INSPECTION_SOCKET,
    );
  }
  const running = runningSockets(configDirectory(context));
  const [only] = running;
  if (only === undefined)
    throw new TransportError('connection_error', 'no agent of ~/.skytale runs: name another by --data-dir or --socket');
  if (running.length > 1) throw new UsageError(`${running.length} agents run: name one by --identity`);
  return only;
}

function runningSockets(directory: string): readonly string[] {
  const names = statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(directory) : [];
  return names
    .map((name) => join(directory, name, INSPECTION_SOCKET))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isSocket() === true);
}
