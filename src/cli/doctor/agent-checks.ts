import { statSync } from 'node:fs';
import { toSkytaleError } from '../../base/errors.ts';
import { withAgent } from '../agent/with-agent.ts';
import type { AgentSession } from '../agent/agent-session.ts';
import type { CliContext } from '../context.ts';
import type { AgentFlags, AgentSettings } from '../settings.ts';
import { failure, type Finding, ok, skipped, warning } from './finding.ts';

const LIVE_MS = 10_000;

/** Opens the agent, and each of its channels. Needs a data directory: a doctor makes none. */
export async function checkAgent(
  context: CliContext,
  flags: AgentFlags,
  { dataDir }: AgentSettings,
): Promise<Finding[]> {
  if (context.lent === undefined && statSync(dataDir, { throwIfNoEntry: false }) === undefined) {
    return [skipped('agent', 'there is no data directory to open')];
  }
  const findings: Finding[] = [];
  try {
    const examine = async (session: AgentSession): Promise<void> => {
      findings.push(ok('agent', 'the data directory opens'));
      const channels = await session.client.channels();
      if (channels.length === 0) findings.push(skipped('channels', 'the agent is in no channel'));
      for (const name of [...channels].sort()) findings.push(await checkChannel(context, session, name));
    };
    // The findings so far are told already: a process that has the directory is not asked to begin again.
    await withAgent(context, flags, examine, { isHandedOver: false });
  } catch (error) {
    context.terminal.signal.throwIfAborted();
    findings.push(openingFinding(error));
  }
  return findings;
}

async function checkChannel({ clock, terminal }: CliContext, session: AgentSession, name: string): Promise<Finding> {
  const check = `channel ${name}`;
  try {
    const channel = await session.open(name);
    const { members, epoch } = await channel.live(clock, LIVE_MS, terminal.signal);
    return ok(check, `live, epoch ${epoch}, ${members.length === 1 ? 'no other member' : `${members.length} members`}`);
  } catch (error) {
    terminal.signal.throwIfAborted();
    const { code, message } = toSkytaleError(error);
    return failure(check, message, CHANNEL_FIXES[code] ?? 'See the findings about relay and account.');
  }
}

const CHANNEL_FIXES: Readonly<Record<string, string>> = {
  removed_from_group:
    'This agent was removed. Whoever is in the channel can invite it again: the same data directory joins anew.',
  channel_closed: 'This agent is no member any more, or the channel cannot go on: join again with an invite.',
  rolled_back:
    'The data directory is an old copy. The channel joins anew by itself as soon as another member is online.',
  epoch_mismatch:
    'The channel joins anew by itself as soon as another member is online; else join again with an invite.',
  mls_error: 'The channel joins anew by itself as soon as another member is online; else join again with an invite.',
  unauthorized: 'The account is not in this channel: join with an invite of one of its members.',
  auth_failed: 'The relay does not take the token: is its secret the one of this control plane?',
  connection_error: 'See the finding about the relay.',
};

function openingFinding(error: unknown): Finding {
  const { code, message } = toSkytaleError(error);
  switch (code) {
    case 'data_dir_in_use':
      return warning('agent', message, 'That is as it should be if your agent runs. Two agents need a directory each.');
    case 'data_dir_foreign':
      return failure(
        'agent',
        message,
        'Each identity has a directory of its own: leave --data-dir and SKYTALE_DATA_DIR out, or correct them.',
      );
    case 'data_dir_version':
      return failure('agent', message, 'Install the newer version of skytale-rx that wrote it.');
    case 'state_key_wrong':
      return failure(
        'agent',
        message,
        'Give SKYTALE_STATE_KEY or SKYTALE_STATE_KEY_FILE the key that the directory was made with.',
      );
    case 'store_damaged':
      return failure(
        'agent',
        message,
        'Restore the whole directory from a copy, or begin with a new one and join again with an invite.',
      );
    default:
      return failure('agent', message, 'Nothing was changed. The message says what was tried.');
  }
}
