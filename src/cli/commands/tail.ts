import { Command } from 'commander';
import type { ChannelMessage } from '../../actors/channel/index.ts';
import { sleepUnlessAborted } from '../../base/clock.ts';
import { parseChannelName } from '../../base/channel-name.ts';
import type { OpenChannel } from '../agent/open-channel.ts';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds, wholeNumber } from '../options.ts';
import { untilAborted } from '../until-aborted.ts';
import { type MessageFormat, messageFormat } from './message-format.ts';
import { watchProgress } from './progress.ts';

type Flags = AgentCommandFlags<{
  readonly count?: number;
  readonly follow: boolean;
  readonly raw: boolean;
  readonly timeout: number;
  readonly quiet: boolean;
}>;

/** With `--no-follow`: how long nothing may come, after all is read, until that was it. Messages wait for a write at most. */
const PAUSE_MS = 150;

/** `skytale tail`. */
export function tailCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('tail')
      .description('print messages as they come, from where this agent had stopped reading')
      .argument('<channel>'),
    'print each message as a line of JSON',
  )
    .option('-n, --count <number>', 'end after so many messages', wholeNumber(1))
    .option('--no-follow', 'end when everything is read that is there')
    .option('--raw', 'payloads byte for byte, with nothing between them', false)
    .option('--timeout <seconds>', 'with --no-follow: how long the relay may take', seconds, 30_000)
    .option('-q, --quiet', 'say nothing on stderr about the connection', false)
    .action((name: string, flags: Flags) => tail(context, name, flags));
  return explain(command, {
    examples: [
      'skytale tail acme/ops/log',
      'skytale tail acme/ops/log | grep -i error',
      'skytale tail acme/ops/log --json | jq -r \'.sender + ": " + .text\'',
      'skytale tail acme/ops/log --no-follow > today.log',
    ],
    notes:
      'On a terminal each message has its time and sender before it; into a pipe goes the payload and a line end.\n' +
      'A message counts as read when it is written: what was not comes again the next time. While tail runs, it also\n' +
      'admits those who come with an invite, and runs other commands of the same agent.\n' +
      '--json: {"seq","epoch","sender","phase","redelivered","received_at","text"}, or "payload_base64" in place of "text"\n' +
      'where the payload is no UTF-8; "phase" is "replay" for what was there before this command was, else "live".',
  });
}

async function tail(context: CliContext, name: string, flags: Flags): Promise<void> {
  parseChannelName(name);
  const format = messageFormat(context.terminal, flags);
  await withAgent(context, flags, async (session) => {
    const channel = await session.openToRead(name);
    const progress = watchProgress(context.terminal, channel, flags.quiet);
    try {
      await read(context, channel, flags, format, () => progress.count());
    } finally {
      progress.stop();
    }
  });
}

async function read(
  { clock, terminal }: CliContext,
  channel: OpenChannel,
  { count, follow, timeout }: Flags,
  format: MessageFormat,
  onRead: () => void,
): Promise<void> {
  let left = count ?? Number.MAX_SAFE_INTEGER;
  let end: () => void = () => undefined;
  const enough = new Promise<void>((resolve) => (end = resolve));
  let isWriting = false;
  const stop = await channel.read(async (message: ChannelMessage, signal) => {
    // Not acknowledged, it is there for the next reader.
    if (left <= 0) return untilAborted(signal, new Promise<never>(() => undefined));
    isWriting = true;
    await terminal.write(format(message)).finally(() => (isWriting = false));
    left -= 1;
    onRead();
    if (left === 0) end();
  });
  const everything = async (): Promise<void> => {
    await channel.live(clock, timeout, terminal.signal);
    // What was read is with its handler, or about to be: a pause in which nothing was written is the end.
    for (let [isQuiet, before] = [false, left]; !isQuiet; before = left) {
      await sleepUnlessAborted(clock, PAUSE_MS, terminal.signal);
      isQuiet = !isWriting && left === before;
    }
  };
  try {
    await untilAborted(terminal.signal, Promise.race([enough, channel.over(), ...(follow ? [] : [everything()])]));
  } finally {
    await stop();
  }
}
