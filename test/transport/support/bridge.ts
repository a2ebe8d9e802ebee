import type { Subscription } from 'rxjs';
import { AuthError } from '../../../src/base/errors.ts';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import {
  answerToWire,
  entryToWire,
  noticeTopicToWire,
  quotaToWire,
  refusalToWire,
  startFromWire,
  submissionFromWire,
} from '../../../src/transport/index.ts';
import type { ChannelLink, LinkEvent, MemoryRelay, RelayTransport } from '../../../src/transport/index.ts';
import { READY } from './scripted-relay.ts';
import type { Script, ScriptedCall } from './scripted-relay.ts';

/**
 * A script that serves a memory relay over the wire, so that the gRPC client meets the model's rules. A client's token is the
 * name of its account.
 */
export function bridgeTo(relay: MemoryRelay): Script {
  const sessions = new Map<ScriptedCall, BridgedSession>();
  return {
    open: (call) => {
      const account = call.authorization?.replace('Bearer ', '');
      sessions.set(call, new BridgedSession(relay.connect(account), call));
    },
    frame: (frame, call) => sessions.get(call)?.receive(frame),
    closed: (call) => {
      void sessions.get(call)?.close();
      sessions.delete(call);
    },
  };
}

class BridgedSession {
  readonly #transport: RelayTransport;
  readonly #call: ScriptedCall;
  readonly #links = new Map<number, { readonly link: ChannelLink; readonly subscription: Subscription }>();

  constructor(transport: RelayTransport, call: ScriptedCall) {
    this.#transport = transport;
    this.#call = call;
  }

  receive(frame: Parameters<NonNullable<Script['frame']>>[0]): void {
    switch (frame.case) {
      case 'hello':
        return this.#call.send(READY);
      case 'ping':
        return this.#call.send({ case: 'pong', value: { nonce: frame.value.nonce } });
      case 'subscribe': {
        const { subscription: id, channel, group, start, credit } = frame.value;
        const link = this.#transport.open({
          channel: parseChannelName(channel),
          group,
          start: startFromWire(start),
          // The port wants credit at once, the wire does not; no test subscribes with none left.
          credit,
        });
        const subscription = link.events$.subscribe((event) => this.#forward(id, event));
        this.#links.set(id, { link, subscription });
        return;
      }
      case 'credit':
        return this.#links.get(frame.value.subscription)?.link.grant(frame.value.entries);
      case 'unsubscribe':
        this.#links.get(frame.value.subscription)?.subscription.unsubscribe();
        return;
      case 'publish': {
        const { request, channel, group, submissions, round } = frame.value;
        const name = parseChannelName(channel);
        const link = this.#transport.open({ channel: name, group, start: { afterSeq: 0 }, credit: 1 });
        link.publish(submissions.map(submissionFromWire), round).then(
          (answers) => {
            const quota = this.#transport.quota$.value;
            const value = { request, answers: answers.map(answerToWire), ...(quota && { quota: quotaToWire(quota) }) };
            this.#call.send({ case: 'published', value });
          },
          () => undefined, // closed meanwhile
        );
        return;
      }
      case 'awaitWelcome': {
        const { keyPackageRef } = frame.value;
        this.#transport.awaitWelcome(keyPackageRef).then(
          ({ channel, commitSeq, payload }) => {
            const value = { keyPackageRef, channel, commitSeq: BigInt(commitSeq), payload };
            this.#call.send({ case: 'welcome', value });
          },
          (error: unknown) => {
            if (!(error instanceof AuthError)) return; // closed meanwhile
            const value = {
              keyPackageRef,
              reason: refusalToWire('unauthorized'),
              detail: 'it was handed to another account',
            };
            this.#call.send({ case: 'welcomeRefused', value });
          },
        );
        return;
      }
      case 'authenticate':
      case undefined:
        throw new Error('a frame came that nobody expected');
    }
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #forward(subscription: number, event: LinkEvent): void {
    switch (event.kind) {
      case 'entries':
        return this.#call.send({ case: 'deliver', value: { subscription, entries: event.entries.map(entryToWire) } });
      case 'caught-up':
        return this.#call.send({ case: 'caughtUp', value: { subscription, headSeq: BigInt(event.headSeq) } });
      case 'gap': {
        const { afterSeq, resumesAtSeq } = event;
        const value = { subscription, afterSeq: BigInt(afterSeq), resumesAtSeq: BigInt(resumesAtSeq) };
        return this.#call.send({ case: 'gap', value });
      }
      case 'notice':
        return this.#call.send({ case: 'notice', value: { subscription, topic: noticeTopicToWire(event.topic) } });
      case 'refused': {
        const value = { subscription, reason: refusalToWire(event.reason), detail: '' };
        return this.#call.send({ case: 'subscriptionRefused', value });
      }
      case 'online':
      case 'offline':
        return;
    }
  }
}
