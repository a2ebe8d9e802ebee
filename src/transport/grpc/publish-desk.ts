import type { ChannelName } from '../../base/channel-name.ts';
import { TransportError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { Published } from '../gen/skytale/relay/v1/relay_pb.ts';
import type { PublishAnswer, Submission } from '../relay-transport.ts';
import { encodeClientFrame } from '../wire/frames.ts';
import { answerFromWire, submissionToWire } from '../wire/values.ts';
import { mergeAnswers, planPublish } from './publish-plan.ts';
import type { RelayLimits } from './publish-plan.ts';

/** How a {@link PublishDesk} sends. */
export interface PublishOutlet {
  hasRoomFor(bytes: number): boolean;
  send(bytes: Buffer): void;
}

/** What goes out as one `publish`. */
export interface OutgoingPublish {
  readonly channel: ChannelName;
  readonly group: Uint8Array;
  readonly submissions: readonly Submission[];
  readonly round: number;
}

interface InFlight {
  readonly submissions: number;
  readonly resolve: (answers: readonly PublishAnswer[]) => void;
  readonly reject: (error: SkytaleError) => void;
}

/** Publish frames without an answer, beyond which `publish` rejects with `limit_exceeded`. */
const MAX_IN_FLIGHT = 1024;

/** Publishes on one connection that wait for their answers. */
export class PublishDesk {
  readonly #outlet: PublishOutlet;
  readonly #inFlight = new Map<number, InFlight>();
  #lastRequest = 0;

  constructor(outlet: PublishOutlet) {
    this.#outlet = outlet;
  }

  /** As `ChannelLink.publish`. All of it is sent, or nothing: then it rejects with `limit_exceeded`. */
  async publish(
    { channel, group, submissions, round }: OutgoingPublish,
    limits: RelayLimits,
  ): Promise<readonly PublishAnswer[]> {
    const plan = planPublish(submissions, limits);
    const frames = plan.frames.map((frame) => {
      // 32 bits on the wire; 0 is as good as any other.
      const request = (this.#lastRequest = (this.#lastRequest + 1) >>> 0);
      const value = { request, channel, group, submissions: frame.map(submissionToWire), round };
      return { request, submissions: frame.length, bytes: encodeClientFrame({ case: 'publish', value }) };
    });
    const bytes = frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
    if (this.#inFlight.size + frames.length > MAX_IN_FLIGHT || !this.#outlet.hasRoomFor(bytes)) {
      throw new TransportError('limit_exceeded', 'too much waits to be sent to the relay; wait for answers first');
    }
    const answers = frames.map(
      (frame) =>
        new Promise<readonly PublishAnswer[]>((resolve, reject) => {
          this.#inFlight.set(frame.request, { submissions: frame.submissions, resolve, reject });
          this.#outlet.send(frame.bytes);
        }),
    );
    return mergeAnswers(plan, (await Promise.all(answers)).flat());
  }

  /** @throws TransportError `protocol_error` for answers to nothing that was asked, or more or fewer than submissions. */
  answered({ request, answers }: Published): void {
    const publish = this.#inFlight.get(request);
    if (publish === undefined) throw new TransportError('protocol_error', 'the relay answered to no publish');
    if (publish.submissions !== answers.length) {
      const detail = `the relay gave ${answers.length} answers to ${publish.submissions} submissions`;
      throw new TransportError('protocol_error', detail);
    }
    const read = answers.map(answerFromWire);
    this.#inFlight.delete(request);
    publish.resolve(read);
  }

  /** The connection has ended: rejects all that wait with `connection_lost`, whatever ended it. */
  close(cause: SkytaleError): void {
    const error =
      cause.code === 'connection_lost'
        ? cause
        : new TransportError('connection_lost', 'the connection ended before the relay answered', { cause });
    for (const { reject } of this.#inFlight.values()) reject(error);
    this.#inFlight.clear();
  }
}
