import { describeHeader, type SentKind } from '../../actors/channel/index.ts';
import type { Tape } from './tape.ts';
import type { TapeRecord } from './tape-record.ts';
import { fromTapeValue } from './tape-value.ts';

/** Something that the user asked of the channel while it was recorded. */
export interface TapeCommand {
  readonly record: TapeRecord;
  readonly kind: 'send' | 'commit' | 'leave';
  /** Of a `send`: what was sent. */
  readonly what: SentKind;
  /** The id of a request. */
  readonly request?: Uint8Array;
  /** By which its outcome is found. */
  readonly number: number;
  /** Whether somebody waited for its outcome, which then is on the tape. */
  readonly isAwaited: boolean;
  /** What was sent, as it stands on the tape. */
  readonly payload?: Uint8Array;
  /** What its envelope says beside the payload; none for a plain message. */
  readonly header?: Uint8Array;
}

/** As it stands on the tape. */
type CommandValue = Partial<Pick<TapeCommand, 'number' | 'payload' | 'header'>> & { readonly waits?: boolean };

/** All commands of a tape, in order. */
export function commandsOf({ header, records }: Tape): readonly TapeCommand[] {
  return records.flatMap((record): readonly TapeCommand[] => {
    const kind = kindOf(record);
    if (kind === undefined) return [];
    const { number, payload, header: envelope, waits = true } = fromTapeValue(record.value) as CommandValue;
    return [
      {
        record,
        kind,
        ...describeSent(envelope),
        number: header.mode === 'wire' ? record.n : (number ?? 0),
        isAwaited: waits,
        ...(payload && { payload }),
        ...(envelope && { header: envelope }),
      },
    ];
  });
}

function describeSent(header: Uint8Array | undefined): Pick<TapeCommand, 'what' | 'request'> {
  const { kind: what, ...rest } = describeHeader(header);
  return { what, ...rest };
}

function kindOf({ kind, value }: TapeRecord): TapeCommand['kind'] | undefined {
  if (kind === 'send' || kind === 'commit' || kind === 'leave') return kind;
  if (kind !== 'input') return undefined;
  const input = (value as { readonly kind?: unknown }).kind;
  return input === 'commit' || input === 'leave' ? input : undefined;
}
