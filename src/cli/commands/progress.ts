import { distinctUntilChanged, map } from 'rxjs';
import type { ChannelFault, ChannelState } from '../../actors/channel/index.ts';
import { toSkytaleError } from '../../base/errors.ts';
import type { OpenChannel } from '../agent/open-channel.ts';
import type { Terminal } from '../terminal.ts';

/** How many messages pass between two lines about catching up, where a line cannot be written over. */
const STEP = 10_000;

/** What `tail` tells on stderr. */
export interface Progress {
  /** Counts a message that was written. */
  count(): void;
  stop(): void;
}

/** Tells on stderr how far catching up is, when the connection is lost and there again, and what goes wrong. */
export function watchProgress(terminal: Terminal, { channel$ }: OpenChannel, isQuiet: boolean): Progress {
  if (isQuiet) return { count: () => undefined, stop: () => undefined };
  let read = 0;
  let isOnLine = false;
  const say = (text: string): void => {
    terminal.note(`${isOnLine ? '\r\u001b[K' : ''}skytale: ${text}\n`);
    isOnLine = false;
  };
  const sayError = (error: unknown): void => say(toSkytaleError(error).message);
  const changes = channel$.state$
    .pipe(
      map((state) => describe(state, read)),
      distinctUntilChanged((before, after) => before.status === after.status),
    )
    .subscribe({
      next: ({ text }) => {
        if (text !== undefined) say(text);
      },
      error: sayError,
    });
  changes.add(
    channel$.faults$.subscribe({
      next: (fault) => {
        const text = describeFault(fault);
        if (text !== undefined) say(text);
      },
      error: sayError,
    }),
  );
  return {
    count() {
      read += 1;
      if (channel$.status$.value !== 'catching-up') return;
      if (!terminal.isErrorTty) {
        if (read % STEP === 0) say(`catching up: ${read} messages so far`);
      } else if (!terminal.isTty && read % 100 === 0) {
        // Messages and this would mix where both go to the screen.
        terminal.note(`\r\u001b[Kskytale: catching up: ${read} messages so far`);
        isOnLine = true;
      }
    },
    stop: () => changes.unsubscribe(),
  };
}

function describe(
  { name, status, cause }: ChannelState,
  read: number,
): { readonly status: string; readonly text?: string } {
  const because = cause === undefined ? '' : `: ${cause.message}`;
  switch (status) {
    case 'catching-up':
      return { status, text: `${name}: catching up` };
    case 'live':
      return {
        status,
        text: `${name}: live${read === 0 ? '' : ` after ${read} ${read === 1 ? 'message' : 'messages'}`}`,
      };
    case 'offline':
      return { status, text: `${name}: the relay is not reached, trying on${because}` };
    case 'rejoining':
      return { status, text: `${name}: waiting for another member to take this agent in again${because}` };
    case 'removed':
      return { status, text: `${name}: this agent is no member any more` };
    default:
      return { status };
  }
}

/** What the user should know. Nothing of it holds a payload. */
function describeFault(fault: ChannelFault): string | undefined {
  switch (fault.kind) {
    case 'gap':
      return `entries after ${fault.afterSeq} and before ${fault.resumesAtSeq} are older than the relay keeps them, and gone`;
    case 'undecryptable':
      return `entry ${fault.seq} cannot be read by this agent and was skipped: ${fault.error.message}`;
    case 'stale':
      return `entry ${fault.seq} is from epoch ${fault.epoch}, whose keys are erased, and was skipped`;
    case 'crashed':
    case 'stuck':
    case 'rolled-back':
    case 'commit-failed':
      return `${fault.kind}: ${fault.error.message}`;
    default:
      return undefined;
  }
}
