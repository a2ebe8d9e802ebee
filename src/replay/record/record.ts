import { type Channel, deferred, tapChannel, untapChannel } from '../../actors/channel/index.ts';
import { RuntimeError } from '../../base/errors.ts';
import type { StateKey } from '../../mls/index.ts';
import type { ActorSystem } from '../../actors/index.ts';
import { PlaintextRecorder } from './plaintext-recorder.ts';
import { hashPayloads, keepPayloads, type Redactor } from './redactor.ts';
import type { Recording } from './recording.ts';
import { recordSystem, type SystemRecordOptions } from './system-recording.ts';
import { TapeCipher } from '../tape/tape-cipher.ts';
import { TAPE_VERSION, type TapeHeader } from '../tape/tape-record.ts';
import type { TapeSink } from './tape-sink.ts';
import { TapeWriter } from './tape-writer.ts';
import { WireRecorder } from './wire-recorder.ts';

/** Options of {@link record} for a channel. */
export type RecordOptions =
  | {
      /** Default. */
      readonly mode?: 'plaintext';
      /** What stands on the tape in place of a payload. Default: {@link hashPayloads}. */
      readonly redact?: Redactor;
      /** Encrypts the tape. Default: it is not encrypted. */
      readonly key?: StateKey;
      /** Gives up waiting for the recording to begin: it never does then. */
      readonly signal?: AbortSignal;
    }
  | {
      readonly mode: 'wire';
      /** Encrypts the tape, which holds the keys of the group: as secret as the agent's data directory. */
      readonly key: StateKey;
      /** Gives up waiting for the recording to begin: it never does then. */
      readonly signal?: AbortSignal;
    };

/**
 * Records what happens on a channel, or in a system of actors, from now on. Resolves when it has begun.
 *
 * A `wire` recording begins with the channel connecting anew, when no commit is under way: only then is everything that decides
 * what it does on the tape.
 *
 * @throws {@link ChannelError} `bad_request` if the channel is recorded already, `channel_closed`; {@link RuntimeError}
 * `invalid_argument`; the reason of `signal`
 *
 * @example
 * const recording = await record(channel$, fileSink('night.tape'));
 * await recording.stop();
 */
export function record(channel: Channel, sink: TapeSink, options?: RecordOptions): Promise<Recording>;
/** Records what {@link ActorSystem.inspect$} tells, without payloads. {@link replaySystem} plays it. */
export function record(system: ActorSystem, sink: TapeSink, options?: SystemRecordOptions): Promise<Recording>;
export function record(
  what: Channel | ActorSystem,
  sink: TapeSink,
  options: RecordOptions & SystemRecordOptions = {},
): Promise<Recording> {
  return 'inspect$' in what ? recordSystem(what, sink, options) : recordChannel(what, sink, options);
}

async function recordChannel(channel: Channel, sink: TapeSink, options: RecordOptions): Promise<Recording> {
  const mode = options.mode ?? 'plaintext';
  // Callers without types may hand in anything.
  if (!['plaintext', 'wire'].includes(mode)) {
    throw new RuntimeError('invalid_argument', `Expected \`mode\` to be plaintext or wire, got ${mode}.`);
  }
  if (mode === 'wire' && options.key === undefined) {
    throw new RuntimeError(
      'invalid_argument',
      'Expected `key` for a tape of mode wire: it holds the keys of the group.',
    );
  }
  const cipher = options.key === undefined ? undefined : await TapeCipher.create(options.key);
  const { promise: done, resolve, reject } = deferred<number>();
  const redact = options.mode === 'wire' ? undefined : options.redact;
  let writer: TapeWriter | undefined;
  const fail = (error: Error): void => {
    reject(error);
    void untapChannel(channel, tap);
  };
  const open = (startedAtMs: number): TapeWriter => {
    const header: TapeHeader = {
      kind: 'header',
      format: 'skytale-tape',
      version: TAPE_VERSION,
      mode,
      channel: channel.name,
      startedAtMs,
      payloads: mode === 'wire' || redact === keepPayloads ? 'kept' : redact === undefined ? 'hashed' : 'redacted',
      ...(cipher && { protection: cipher.protection }),
    };
    writer = new TapeWriter(header, sink, cipher, fail);
    return writer;
  };
  const ended = (): void => void writer?.close().then(() => resolve(writer?.records ?? 0), reject);
  const tap =
    mode === 'wire' ? new WireRecorder(open, ended) : new PlaintextRecorder(open, redact ?? hashPayloads(), ended);
  // Whoever does not look at it is not to be killed by it: `stop` tells it as well.
  done.catch(() => undefined);
  await tapChannel(channel, { tap, startsOver: mode === 'wire' }, options.signal);
  return {
    get records() {
      return tap.records;
    },
    done,
    stop: async () => {
      await untapChannel(channel, tap);
      return done;
    },
  };
}
