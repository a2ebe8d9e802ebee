import { Command } from 'commander';
import { lastValueFrom, tap } from 'rxjs';
import type { ClientChannel } from '../../client/index.ts';
import { ChannelError } from '../../base/errors.ts';
import type { AgentSession } from '../agent/agent-session.ts';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { readLines } from '../lines.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds } from '../options.ts';
import { UsageError } from '../report.ts';
import { untilAborted } from '../until-aborted.ts';
import { base64Input } from './base64-input.ts';
import { orTimeout } from './or-timeout.ts';
import { printState } from './print-state.ts';

type Flags = AgentCommandFlags<{ readonly timeout: number; readonly welcome: boolean }>;

const MAX_TOKEN_BYTES = 1_024;

/** `skytale join`. */
export function joinCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('join').description("join a channel with an invite's token, from stdin").argument('<channel>'),
  )
    .option('--welcome', 'join with a Welcome from "skytale add" on stdin, without a control plane', false)
    .option('--timeout <seconds>', 'how long it may take', seconds, 60_000)
    .action((name: string, flags: Flags) =>
      withAgent(context, flags, async (session) => {
        const joined = flags.welcome
          ? await session.client.joinChannel(name, await base64Input(context, 'a Welcome'))
          : await joinByToken(context, session, name, flags);
        const channel = session.adopt(joined);
        const state = await channel.live(context.clock, flags.timeout, context.terminal.signal);
        await printState(context, flags, state, `joined ${name}`);
      }),
    );
  return explain(command, {
    examples: [
      'skytale join acme/ops/log --identity bob < invite.txt',
      'skytale join acme/ops/log --welcome --identity bob < bob.welcome',
    ],
    notes: 'What was said before the join cannot be read. If no member is online the request waits, up to --timeout.',
  });
}

async function joinByToken(
  context: CliContext,
  session: AgentSession,
  name: string,
  { timeout, json }: Flags,
): Promise<ClientChannel> {
  const { terminal } = context;
  const token = await untilAborted(terminal.signal, readToken(context));
  let isWaiting = false;
  const cancel = new AbortController();
  const steps$ = session.client.join(name, token, { signal: AbortSignal.any([terminal.signal, cancel.signal]) }).pipe(
    tap(({ kind }) => {
      isWaiting = kind === 'waiting-for-member';
      if (json) return;
      if (kind === 'requested') terminal.note('asked to join\n');
      if (kind === 'waiting-for-member') terminal.note('waiting for a member that is online\n');
    }),
  );
  try {
    const last = await orTimeout(context, timeout, lastValueFrom(steps$, { defaultValue: undefined }), () =>
      isWaiting
        ? `nobody has admitted this agent to ${name} in ${timeout / 1000} s: no member that may admit it is online`
        : `not in ${name} after ${timeout / 1000} s`,
    );
    if (last?.kind === 'joined') return last.channel;
    throw new ChannelError('channel_closed', 'joining has ended without a result');
  } finally {
    cancel.abort(new ChannelError('channel_closed', 'not wanted any more'));
  }
}

async function readToken({ terminal }: CliContext): Promise<string> {
  if (terminal.isInputTty) terminal.note('Paste the token and press Enter.\n');
  for await (const line of readLines(terminal.input, MAX_TOKEN_BYTES)) {
    const token = Buffer.from(line).toString('utf8').trim();
    if (token !== '') return token;
  }
  throw new UsageError("expected an invite's token on stdin");
}
