import { RuntimeError } from '../../base/errors.ts';
import { sleepUnlessAborted } from '../../base/clock.ts';
import { SkytaleClient } from '../../client/index.ts';
import type { CliContext } from '../context.ts';
import { type AgentFlags, type AgentSettings, agentSettings, makeConfigDirectory } from '../settings.ts';
import { AgentSession } from './agent-session.ts';
import { handOver } from './command-client.ts';
import { serveCommands } from './command-server.ts';

/** How long a holder may take to listen, once it has the directory. */
const LISTEN_MS = 1_500;
/** How long one that ends may take to let go of it. */
const RELEASE_MS = 15_000;
const POLL_MS = 50;

/**
 * Runs `body` on the agent that the flags and the environment name.
 *
 * A data directory belongs to one process. If another `skytale` has it, the command is handed over to that one and runs
 * there, with the streams of this process: `tail` in one terminal and `send` in another are one agent.
 *
 * @throws {@link RuntimeError} `data_dir_in_use` if a program that takes no commands has the directory; what `body` throws
 */
export async function withAgent(
  context: CliContext,
  flags: AgentFlags,
  body: (session: AgentSession) => Promise<void>,
  { isHandedOver = true }: { readonly isHandedOver?: boolean } = {},
): Promise<void> {
  if (context.lent !== undefined) return body(context.lent);
  const settings = agentSettings(context, flags);
  makeConfigDirectory(context);
  const { clock, terminal } = context;
  let patienceMs = LISTEN_MS;
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const session = await openAgent(context, settings);
    if (session instanceof AgentSession) return runHere(context, settings, session, body);
    if (!isHandedOver) throw session;
    const outcome = await handOver(context, settings.dataDir);
    if (typeof outcome === 'number') {
      context.exitCode = outcome;
      return;
    }
    if (outcome === 'go-on') patienceMs = waitedMs + RELEASE_MS;
    else if (waitedMs >= patienceMs) throw session;
    await sleepUnlessAborted(clock, POLL_MS, terminal.signal);
    terminal.signal.throwIfAborted();
  }
}

async function runHere(
  context: CliContext,
  { dataDir }: AgentSettings,
  session: AgentSession,
  body: (session: AgentSession) => Promise<void>,
): Promise<void> {
  try {
    const commands = await serveCommands(dataDir, session, context);
    let isHurried = true;
    try {
      await body(session);
      isHurried = context.terminal.signal.aborted;
    } finally {
      await commands.close(isHurried);
    }
  } finally {
    await session.close();
  }
}

/** The agent, or the error that its directory is in use. */
async function openAgent(context: CliContext, settings: AgentSettings): Promise<AgentSession | RuntimeError> {
  const { terminal, environment } = context;
  const { relay, dataDir, identity, apiKey, apiUrl } = settings;
  const warn = (text: string): void => terminal.note(`skytale: ${text}\n`);
  const client = new SkytaleClient(relay, dataDir, new TextEncoder().encode(identity), {
    ...(apiKey === undefined ? {} : { apiKey, apiUrl }),
    ...stateKeyFile(environment),
    // For skytale tree.
    inspect: true,
    warn,
  });
  try {
    await client.ready;
  } catch (error) {
    await client.close();
    if (error instanceof RuntimeError && error.code === 'data_dir_in_use') return error;
    throw error;
  }
  return new AgentSession({
    client,
    onSkipped: (channel, messages) =>
      warn(`${messages} older messages on ${channel} were let go unread; "skytale tail ${channel}" reads them in time`),
  });
}

function stateKeyFile(environment: CliContext['environment']): { stateKeyFile?: string } {
  const path = environment['SKYTALE_STATE_KEY_FILE'];
  return path === undefined || path === '' ? {} : { stateKeyFile: path };
}
