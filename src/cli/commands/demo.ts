import { Command } from 'commander';
import { join } from 'node:path';
import type { ClientChannel } from '../../client/index.ts';
import { SkytaleClient } from '../../client/index.ts';
import { callApi } from '../api/control-api.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { explain, jsonOption, wholeNumber } from '../options.ts';
import { untilAborted } from '../until-aborted.ts';
import { inTemporaryDirectory } from '../servers/temporary.ts';
import { orTimeout } from './or-timeout.ts';

interface Flags {
  readonly messages: number;
  readonly json: boolean;
}

const CHANNEL = 'acme/demo/notes';
const DEADLINE_MS = 120_000;

/** `skytale demo`. */
export function demoCommand(context: CliContext): Command {
  const command = jsonOption(
    new Command('demo').description(
      'servers and two agents in this process, for a look: create, invite, join, talk, lose the relay',
    ),
  )
    .option('--messages <number>', 'how many messages alice sends', wholeNumber(2, 10_000), 40)
    .action((flags: Flags) =>
      inTemporaryDirectory((directory) => untilAborted(context.terminal.signal, demo(context, directory, flags))),
    );
  return explain(command, {
    examples: ['skytale demo', 'skytale demo --messages 1000 --json'],
    notes:
      "Everything is in a temporary directory that is gone at the end. Exit code 1 if a message is missing or twice, or found in the relay's files.",
  });
}

async function demo(context: CliContext, directory: string, { messages, json }: Flags): Promise<void> {
  const { terminal, clock } = context;
  const { startServers } = await import('../servers/start-servers.ts');
  const { findTexts } = await import('../servers/find-text.ts');
  const say = async (text: string): Promise<void> => (json ? undefined : terminal.write(`${text}\n`));
  const startedAtMs = clock.now();
  const place = { host: '127.0.0.1', dataDir: join(directory, 'server'), verbose: false };
  let servers = await startServers({ ...place, port: 0, apiPort: 0 });
  const { relay, api } = servers;
  await say(`A relay serves at ${relay}, a control plane at ${api}.`);
  const account = { method: 'POST', path: '/v1/accounts', body: { email: 'demo@example.com' }, isOpen: true } as const;
  const made = (await callApi(context, { apiUrl: api, apiKey: undefined }, account)) as { readonly api_key: string };
  const agent = (name: string): SkytaleClient =>
    new SkytaleClient(relay, join(directory, name), new TextEncoder().encode(name), {
      apiKey: made.api_key,
      apiUrl: api,
    });
  const agents = [agent('alice'), agent('bob')] as const;
  const [alice, bob] = agents;
  try {
    const atAlice = await alice.createChannel(CHANNEL);
    await say(`alice creates ${CHANNEL}, and makes an invite: a token that she hands to bob.`);
    const { token } = await atAlice.invite();
    const atBob = await bob.joinWithToken(CHANNEL, token);
    await say(`bob joins; both compare ${atAlice.channel$.safetyNumber().slice(0, 17)}…, and are sure of each other.`);
    const sent = Array.from({ length: messages }, (_, index) => `note ${index + 1} of ${messages}, for bob alone`);
    const reading = orTimeout(context, DEADLINE_MS, readAll(atBob, messages), () => 'bob does not get all messages');
    const half = Math.floor(messages / 2);
    await sendAll(atAlice, sent.slice(0, half));
    await say(`alice has sent ${half} messages. Now the relay ends, and alice goes on sending.`);
    await servers.close();
    const rest = sendAll(atAlice, sent.slice(half));
    servers = await startServers({ ...place, port: portOf(relay), apiPort: portOf(api) });
    await say('The relay is there again. Nobody had to do anything.');
    await orTimeout(context, DEADLINE_MS, rest, () => 'alice cannot send all messages');
    const received = await reading;
    const isExact = received.length === messages && received.every((text, index) => text === sent[index]);
    const found = findTexts(join(directory, 'server'), sent).length;
    const report = {
      ok: isExact && found === 0,
      messages,
      received: received.length,
      is_exact: isExact,
      found_in_server_files: found,
    };
    if (json) await terminal.write(`${JSON.stringify({ ...report, seconds: (clock.now() - startedAtMs) / 1000 })}\n`);
    await say(
      `bob has ${received.length} of ${messages} messages, ${isExact ? 'each once and in order' : 'NOT in order'}.`,
    );
    await say(`In the servers' files ${found === 0 ? 'none' : found} of them can be found.`);
    if (!report.ok) context.exitCode = EXIT.failure;
  } finally {
    await Promise.allSettled(agents.map((client) => client.close()));
    await servers.close();
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

async function sendAll({ channel$ }: ClientChannel, texts: readonly string[]): Promise<void> {
  await Promise.all(texts.map((text) => channel$.send(new TextEncoder().encode(text))));
}

async function readAll(channel: ClientChannel, count: number): Promise<readonly string[]> {
  const received: string[] = [];
  for await (const payload of channel.messages()) {
    received.push(new TextDecoder().decode(payload));
    if (received.length === count) break;
  }
  return received;
}
