import type { ChannelMessage } from '../../actors/channel/index.ts';
import { harmless, identityText, styled, textOf } from '../format.ts';
import type { Terminal } from '../terminal.ts';

/** How a message is written to stdout. */
export type MessageFormat = (message: ChannelMessage) => string | Uint8Array;

/**
 * JSON lines, raw bytes, lines for a terminal, or bare lines for a pipe. What others have sent cannot command a terminal:
 * control characters are shown there, not obeyed.
 */
export function messageFormat(
  terminal: Terminal,
  { json, raw }: { readonly json: boolean; readonly raw: boolean },
): MessageFormat {
  if (raw) return ({ payload }) => payload;
  if (json) return (message) => `${JSON.stringify(messageJson(message))}\n`;
  if (!terminal.isTty) return ({ payload }) => Buffer.concat([payload, Buffer.from('\n')]);
  return ({ payload, sender, receivedAt }) => {
    const time = new Date(receivedAt).toISOString().slice(11, 19);
    const body = textOf(payload);
    const shown = body === undefined ? styled(terminal, 'dim', `${payload.length} bytes`) : lineByLine(body);
    return `${styled(terminal, 'dim', time)} ${styled(terminal, 'cyan', identityText(sender))}: ${shown}\n`;
  };
}

function messageJson({ seq, epoch, sender, phase, receivedAt, redelivered, payload }: ChannelMessage): object {
  const text = textOf(payload);
  return {
    seq,
    epoch: String(epoch),
    sender: identityText(sender),
    phase,
    redelivered,
    received_at: new Date(receivedAt).toISOString(),
    ...(text === undefined ? { payload_base64: Buffer.from(payload).toString('base64') } : { text }),
  };
}

function lineByLine(text: string): string {
  return text.split('\n').map(harmless).join('\n  ');
}
