import { Command, Option } from 'commander';
import type { ConfirmedReceipt, SendReceipt } from '../../actors/channel/index.ts';
import { parseChannelName } from '../../base/channel-name.ts';
import type { OpenChannel } from '../agent/open-channel.ts';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { identityText } from '../format.ts';
import { readAll, readLines } from '../lines.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds } from '../options.ts';
import { UsageError } from '../report.ts';
import { untilAborted } from '../until-aborted.ts';
import { orTimeout } from './or-timeout.ts';
import { SendWindow } from './send-window.ts';

type Flags = AgentCommandFlags<{
  readonly receipt: 'accepted' | 'delivered' | 'handled';
  readonly timeout: number;
  readonly raw: boolean;
}>;

/** The longest payload that a relay takes by default, in bytes, with room for the encryption. */
const MAX_PAYLOAD_BYTES = 256 * 1024;

/** `skytale send`. */
export function sendCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('send')
      .description('send a message, or each line of stdin')
      .argument('<channel>')
      .argument('[text...]', 'the message; "-", or nothing where stdin is no terminal: each line of stdin'),
    'print a receipt for each message, as a line of JSON',
  )
    .addOption(
      new Option(
        '--receipt <kind>',
        'what to wait for: that the relay has it, that all members have it, or have handled it',
      )
        .choices(['accepted', 'delivered', 'handled'])
        .default('accepted'),
    )
    .option('--timeout <seconds>', 'how long one message may take', seconds, 30_000)
    .option('--raw', 'all of stdin is one message, byte for byte', false)
    .action((name: string, words: readonly string[], flags: Flags) => send(context, name, words, flags));
  return explain(command, {
    examples: [
      'skytale send acme/ops/log "disk is full"',
      'tail -f /var/log/syslog | skytale send acme/ops/log -',
      'skytale send acme/ops/pictures --raw - < picture.png',
      'skytale send acme/ops/log done --receipt handled --json',
    ],
    notes:
      'A line is read when the ones before are on their way: a slow relay slows down what is before the pipe.\n' +
      'A message whose time is over is not lost: it is kept, and sent when this agent is online again.\n' +
      'Messages of others that arrive meanwhile are kept for the next "skytale tail".',
  });
}

async function send(context: CliContext, name: string, words: readonly string[], flags: Flags): Promise<void> {
  const { terminal } = context;
  parseChannelName(name);
  const isFromInput = words.length === 0 || (words.length === 1 && words[0] === '-');
  if (words.length === 0 && terminal.isInputTty)
    throw new UsageError('what is the message? Give it as text, or "-" for stdin');
  if (flags.raw && !isFromInput) throw new UsageError('--raw sends stdin: give "-" in place of a text');
  await withAgent(context, flags, async (session) => {
    const channel = await session.open(name);
    const window = new SendWindow<SendReceipt>(async (receipt) => {
      if (flags.json) await terminal.write(`${JSON.stringify(receiptJson(receipt))}\n`);
    });
    const sendAll = async (): Promise<number> => {
      for await (const payload of payloads(context, words, isFromInput, flags.raw)) {
        await window.add(() => sendOne(context, channel, payload, flags));
      }
      return window.end();
    };
    const sent = await untilAborted(terminal.signal, Promise.race([sendAll(), window.failed]));
    if (!flags.json && terminal.isErrorTty) terminal.note(`sent ${sent === 1 ? '1 message' : `${sent} messages`}\n`);
  });
}

async function* payloads(
  { terminal }: CliContext,
  words: readonly string[],
  isFromInput: boolean,
  isRaw: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!isFromInput) yield new TextEncoder().encode(words.join(' '));
  else if (isRaw) yield await readAll(terminal.input, MAX_PAYLOAD_BYTES);
  else yield* readLines(terminal.input, MAX_PAYLOAD_BYTES);
}

function sendOne(
  context: CliContext,
  channel: OpenChannel,
  payload: Uint8Array,
  { receipt, timeout: timeoutMs }: Flags,
): Promise<SendReceipt> {
  const { client } = channel;
  const sending = receipt === 'accepted' ? client.send(payload) : client.send(payload, { receipt, timeoutMs });
  return orTimeout(context, timeoutMs, sending, () => {
    const { status, cause } = channel.state;
    return (
      `no answer from the relay in ${timeoutMs / 1000} s (${status}${cause === undefined ? '' : `: ${cause.message}`}); ` +
      'the message is kept, and sent when this agent is online again'
    );
  });
}

function receiptJson(receipt: SendReceipt | ConfirmedReceipt): object {
  const { seq, epoch, messageId } = receipt;
  const confirmed = 'confirmedBy' in receipt ? { confirmed_by: receipt.confirmedBy.map(identityText) } : {};
  return { seq, epoch: String(epoch), message_id: messageId, ...confirmed };
}
