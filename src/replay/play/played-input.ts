import type { ChannelInput, JournalReader, OutgoingPayload, Waiter } from '../../actors/channel/index.ts';
import { decodeGroup, type MlsEngine } from '../../mls/index.ts';
import type { LinkEvent, Submission, TransportStatus } from '../../transport/index.ts';
import type { Settlement } from './live-desk.ts';
import type { PlayedMailbox } from './played-mailbox.ts';
import type { PlayedTransport } from './played-transport.ts';
import type { TapeRecord } from '../tape/tape-record.ts';
import { fromTapeValue } from '../tape/tape-value.ts';

/** What the inputs of a tape are turned into messages with. */
export interface InputParts {
  readonly engine: MlsEngine;
  readonly mailbox: PlayedMailbox;
  readonly transport: PlayedTransport;
  /** The number that the link had which was open when the recording began. */
  readonly baseLink: number;
  /** Told what came of what the user had asked for. */
  readonly settle: (number: number, settlement: Settlement) => void;
}

/** A control message as it stands on a tape. */
type RecordedInput = { readonly kind: ChannelInput['kind'] } & Readonly<Record<string, unknown>>;

/** Nobody consumes in a replay but who looks at what it shows. */
export const NOBODY: JournalReader = { offer: () => undefined, stop: () => undefined };

/** The messages that an input stands for. */
export function playedInput(record: TapeRecord, parts: InputParts): readonly ChannelInput[] {
  const input = fromTapeValue(record.value) as RecordedInput;
  const { transport, mailbox } = parts;
  const link = typeof input['link'] === 'number' ? input['link'] - parts.baseLink : undefined;
  switch (input.kind) {
    case 'link': {
      const event = input['event'] as LinkEvent;
      // Through the link, which counts its sessions. What an earlier link had to say is void.
      if (link === mailbox.link) return mailbox.capture(() => transport.say(event));
      return [{ kind: 'link', link: -1, event, session: -1 }];
    }
    case 'transport':
      return [{ kind: 'transport', link: link ?? -1, status: input['status'] as TransportStatus }];
    case 'answers':
    case 'unanswered': {
      const submissions = transport.submissionsOf(input['submissions'] as readonly Submission[]);
      transport.forget(submissions);
      return [{ ...input, link, submissions } as ChannelInput];
    }
    case 'rejoined': {
      const group = decodeGroup(parts.engine, input['group'] as Uint8Array);
      return [{ kind: 'rejoined', group, commitSeq: input['commitSeq'] as number }];
    }
    case 'commit':
      return [
        {
          kind: 'commit',
          request: { ...(input['request'] as object), waiter: waiterOf(record.n, parts) },
        } as ChannelInput,
      ];
    case 'leave':
      return [{ kind: 'leave', waiter: waiterOf(record.n, parts) }];
    case 'consume':
      return [{ kind: 'consume', consumer: NOBODY }];
    case 'release':
      return [{ kind: 'release', consumer: NOBODY }];
    default:
      return [input as unknown as ChannelInput];
  }
}

/** The payload that a `send` of the tape stands for. */
export function playedSend(record: TapeRecord, parts: Pick<InputParts, 'settle'>): OutgoingPayload {
  const sent = fromTapeValue(record.value) as {
    readonly payload: Uint8Array;
    readonly header?: Uint8Array;
    readonly waits: boolean;
  };
  const { payload, header, waits } = sent;
  return { payload, ...(header && { header }), waiter: waits ? waiterOf(record.n, parts) : undefined };
}

function waiterOf<T>(number: number, { settle }: Pick<InputParts, 'settle'>): Waiter<T> {
  return { resolve: (value) => settle(number, { value }), reject: (error) => settle(number, { error }) };
}
