import type { ChannelPorts } from '../../actors/channel/index.ts';
import { systemRandom } from '../../base/random.ts';
import {
  decodeChannel,
  decodeGroup,
  type Group,
  type LeaveProposal,
  type MlsEngine,
  mlsGroupCodec,
  type StagedCommit,
} from '../../mls/index.ts';
import type { PlayedTime } from './played-time.ts';
import type { PlayedTransport } from './played-transport.ts';
import type { WireScript } from './wire-script.ts';

/** A group as it stands on a tape. */
type Recorded<T, Key extends string> = Omit<T, Key> & { readonly [K in Key]: Uint8Array };

/** Ports that answer what they have answered while the channel was recorded. */
export function playedPorts(parts: {
  readonly engine: MlsEngine;
  readonly script: WireScript;
  readonly time: PlayedTime;
  readonly transport: PlayedTransport;
  readonly canRejoin: boolean;
}): ChannelPorts {
  const { engine, script, time, transport, canRejoin } = parts;
  const groupOf = (bytes: Uint8Array): Group => decodeGroup(engine, bytes);
  let saves = 0;
  return {
    engine,
    transport,
    clock: time,
    inspectionClock: { now: () => time.latestMs },
    random: {
      // Beyond the end of a tape there is nothing to be true to.
      bytes: (length) => (script.next('bytes') as Uint8Array | undefined) ?? systemRandom.bytes(length),
      fraction: () => (script.next('fraction') as number | undefined) ?? systemRandom.fraction(),
    },
    store: {
      saveChannel: () => {
        saves += 1;
        const end = script.save(saves);
        return new Promise((resolve, reject) => {
          // One that had not ended when the recording did never does, until the replay ends.
          time.at(end?.moment ?? Infinity, () => (end?.error === undefined ? resolve() : reject(end.error)));
        });
      },
      loadChannel: () =>
        recalled(script.next('loaded') as Answered<{ readonly record?: Uint8Array }> | undefined, ({ record }) =>
          record === undefined ? undefined : decodeChannel(record, mlsGroupCodec(engine)),
        ),
    },
    steps: {
      commitChange: () =>
        recalled(script.next('staged') as Answered<Recorded<StagedCommit, 'next'>> | undefined, (staged) => ({
          ...staged,
          // A commit without joiners has none, and the tape leaves out what is undefined.
          welcome: staged.welcome,
          next: groupOf(staged.next),
        })),
      proposeLeave: () =>
        recalled(script.next('proposed') as Answered<Recorded<LeaveProposal, 'group'>> | undefined, (proposed) => ({
          ...proposed,
          group: groupOf(proposed.group),
        })),
    },
    // What it says is for others, and goes nowhere.
    stateEpoch: () => Promise.resolve(new Uint8Array()),
    ...(canRejoin && {
      // How that has ended comes as an input.
      rejoin: { createKeyPackage: never, makeRequest: never, join: never },
    }),
  };
}

/** What a port has answered, or failed with. */
type Answered<Stored> = Stored & { readonly error?: Error };

function recalled<Stored, T>(answer: Answered<Stored> | undefined, read: (stored: Stored) => T): Promise<T> {
  // It was asked when the recording ended.
  if (answer === undefined) return never();
  return answer.error === undefined ? Promise.resolve(read(answer)) : Promise.reject(answer.error);
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
