import { Command } from 'commander';
import { filter, firstValueFrom, takeUntil } from 'rxjs';
import type { JoinRequest } from '../../actors/channel/index.ts';
import { ChannelError } from '../../base/errors.ts';
import { sleepUnlessAborted } from '../../base/clock.ts';
import { fromSignal } from '../../streams/index.ts';
import type { OpenChannel } from '../agent/open-channel.ts';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { identityText, table } from '../format.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds } from '../options.ts';
import { UsageError } from '../report.ts';

type Flags = AgentCommandFlags<{ readonly wait: number; readonly reason?: string }>;

const WAIT_TEXT = 'how long to look for requests';

/** `skytale requests`. */
export function requestsCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('requests').description('requests to join that wait for a decision; "approve" and "deny" decide'),
  )
    // Options behind "approve" are those of "approve".
    .enablePositionalOptions()
    .argument('[channel]')
    .option('--wait <seconds>', WAIT_TEXT, seconds, 3_000)
    .action((name: string | undefined, flags: Flags) => {
      if (name === undefined) throw new UsageError("missing required argument 'channel'");
      return list(context, name, flags);
    })
    .addCommand(approveCommand(context))
    .addCommand(denyCommand(context));
  return explain(command, {
    examples: [
      'skytale requests acme/ops/log',
      'skytale requests approve acme/ops/log REQUEST',
      'skytale requests deny acme/ops/log REQUEST --reason "not this quarter"',
    ],
    notes: 'Those who come with an invite of --manual wait here; others are admitted by any member that is online.',
  });
}

function approveCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('approve').description('let somebody in').argument('<channel>').argument('<request>'),
  )
    .option('--wait <seconds>', WAIT_TEXT, seconds, 10_000)
    .action((name: string, id: string, flags: Flags) =>
      decide(context, name, id, flags, 'approved', (request) => request.approve()),
    );
  return explain(command, { examples: ['skytale requests approve acme/ops/log REQUEST'] });
}

function denyCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('deny').description('send somebody away').argument('<channel>').argument('<request>'),
  )
    .option('--reason <text>', 'told to who asked', 'denied')
    .option('--wait <seconds>', WAIT_TEXT, seconds, 10_000)
    .action((name: string, id: string, flags: Flags) =>
      decide(context, name, id, flags, 'denied', (request) => request.deny(flags.reason ?? 'denied')),
    );
  return explain(command, { examples: ['skytale requests deny acme/ops/log REQUEST --reason "not this quarter"'] });
}

function list(context: CliContext, name: string, flags: Flags): Promise<void> {
  const { terminal, clock } = context;
  return withAgent(context, flags, async (session) => {
    const channel = await session.open(name);
    const found: JoinRequest[] = [];
    const listening = channel.channel$.joinRequests$.subscribe({
      next: (request) => void found.push(request),
      error: (error: unknown) => terminal.note(`skytale: ${String(error)}\n`),
    });
    await channel.live(clock, flags.wait, terminal.signal);
    await sleepUnlessAborted(clock, flags.wait, terminal.signal);
    listening.unsubscribe();
    const requests = found.map(({ id, identity, invite, replaces, requestedAt }) => ({
      id,
      identity: identityText(identity),
      invite,
      replaces,
      requested_at: new Date(requestedAt).toISOString(),
    }));
    if (flags.json) return terminal.write(`${JSON.stringify({ channel: name, requests })}\n`);
    const rows = requests.map(({ id, identity, replaces, requested_at: at }) => [
      id,
      identity,
      replaces ? 'replaces a member' : '',
      at,
    ]);
    if (rows.length === 0) terminal.note('Nobody waits.\n');
    else await terminal.write(table(['REQUEST', 'WHO', '', 'SINCE'], rows));
  });
}

function decide(
  context: CliContext,
  name: string,
  id: string,
  flags: Flags,
  verdict: 'approved' | 'denied',
  act: (request: JoinRequest) => Promise<void>,
): Promise<void> {
  const { terminal } = context;
  return withAgent(context, flags, async (session) => {
    const request = await find(context, await session.open(name), id, flags.wait);
    await act(request);
    const identity = identityText(request.identity);
    await terminal.write(flags.json ? `${JSON.stringify({ id, identity, verdict })}\n` : `${verdict} ${identity}\n`);
  });
}

async function find(
  { clock, terminal }: CliContext,
  channel: OpenChannel,
  id: string,
  waitMs: number,
): Promise<JoinRequest> {
  const over = new AbortController();
  const either = AbortSignal.any([terminal.signal, over.signal]);
  const requests$ = channel.channel$.joinRequests$.pipe(
    filter((request) => request.id === id),
    takeUntil(fromSignal(either)),
  );
  const found = firstValueFrom(requests$, { defaultValue: undefined });
  channel.channel$.connect();
  const waiting = sleepUnlessAborted(clock, waitMs, either).then(() => over.abort());
  const request = await found;
  over.abort();
  await waiting;
  terminal.signal.throwIfAborted();
  if (request !== undefined) return request;
  throw new ChannelError('not_found', `no request ${id} waits for a decision on ${channel.client.name}`);
}
