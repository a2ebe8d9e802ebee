import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ClientDuplexStream, ServiceError, StatusObject } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import {
  answerFromWire,
  decodeServerFrame,
  encodeClientFrame,
  entryFromWire,
  PROTOCOL_VERSION,
  refusalFromWire,
  relayService,
  startToWire,
  submissionToWire,
} from '../../../src/transport/index.ts';
import type {
  ClientFrameInit,
  LinkStart,
  LogEntry,
  PublishAnswer,
  ServerFrameShape,
  Submission,
} from '../../../src/transport/index.ts';
import { CHANNEL, GROUP } from './submissions.ts';

type Case = NonNullable<ServerFrameShape['case']>;
type Value<C extends Case> = Extract<ServerFrameShape, { case: C }>['value'];

/** A client made of frames and nothing else: it says what it is told to say, also what is wrong. */
export class RawClient {
  /** All frames that came, in order. */
  readonly frames: ServerFrameShape[] = [];
  /** Status with which the call ended. */
  readonly ended: Promise<StatusObject>;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #waiting = new Set<() => void>();
  /** Frames that were not taken yet, by kind. */
  readonly #untaken = new Map<ServerFrameShape['case'], ServerFrameShape[]>();
  readonly #entries = new Map<number, LogEntry[]>();
  #nextRequest = 1;
  #unsent = 0;
  #end: StatusObject | undefined;

  /** @param token goes into the metadata of the call */
  constructor(endpoint: string, token?: string) {
    this.#client = new Client(endpoint.replace('http://', ''), credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1, // a connection of its own: clients in one process would share one
    });
    const { path, requestSerialize, responseDeserialize } = relayService.connect;
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    this.#call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
    this.#call.on('data', (bytes: Buffer) => {
      this.#keep(decodeServerFrame(bytes));
      this.#notify();
    });
    this.#call.on('error', (_: ServiceError) => undefined); // `ended` tells
    this.ended = new Promise((resolve) => {
      this.#call.on('status', (end) => {
        this.#end = end;
        resolve(end);
        this.#notify();
      });
    });
    onTestFinished(() => this.close());
  }

  /** A client that has been greeted. */
  static async connect(endpoint: string, token?: string): Promise<RawClient> {
    const client = new RawClient(endpoint, token);
    client.hello();
    await client.next('ready');
    return client;
  }

  hello(): void {
    this.send({ case: 'hello', value: { protocolVersion: PROTOCOL_VERSION, client: 'test' } });
  }

  send(frame: ClientFrameInit): void {
    this.sendBytes(encodeClientFrame(frame));
  }

  sendBytes(bytes: Buffer): void {
    this.#unsent += 1;
    this.#call.write(bytes, () => (this.#unsent -= 1));
  }

  /** Frames that the relay's flow control has kept here. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Reads nothing until {@link resume}. */
  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  /** Ends the client's side of the stream. */
  halfClose(): void {
    this.#call.end();
  }

  close(): void {
    if (this.#end === undefined) this.#call.cancel();
    this.#client.close();
  }

  /** The next frame of a kind that was not taken yet and that `matches`. */
  async next<C extends Case>(kind: C, matches: (value: Value<C>) => boolean = () => true): Promise<Value<C>> {
    for (;;) {
      const untaken = this.#untaken.get(kind) ?? [];
      const index = untaken.findIndex((frame) => matches(frame.value as Value<C>));
      if (index >= 0) return untaken.splice(index, 1)[0]?.value as Value<C>;
      if (this.#end !== undefined) throw new Error(`ended with ${status[this.#end.code]} before a ${kind} came`);
      await this.changed();
    }
  }

  /** Resolves when another frame, or the end, has come. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** Lets the event loop turn once. */
  settle(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve));
  }

  subscribe(subscription: number, start: LinkStart = { afterSeq: 0 }, credit = 1000, channel: string = CHANNEL): void {
    this.send({
      case: 'subscribe',
      value: { subscription, channel, group: GROUP, start: startToWire(start), credit },
    });
  }

  async publish(
    submissions: readonly Submission[],
    channel: string = CHANNEL,
    group: Uint8Array = GROUP,
  ): Promise<PublishAnswer[]> {
    return (await this.published(submissions, { channel, group })).answers.map(answerFromWire);
  }

  /** Publishes, and gives the whole frame that answers it. */
  async published(
    submissions: readonly Submission[],
    { channel = CHANNEL, group = GROUP, round = 0 }: { channel?: string; group?: Uint8Array; round?: number } = {},
  ): Promise<Value<'published'>> {
    const request = this.#nextRequest++;
    const wire = submissions.map(submissionToWire);
    this.send({ case: 'publish', value: { request, channel, group, submissions: wire, round } });
    return this.next('published', (value) => value.request === request);
  }

  /** Entries delivered to a subscription so far. */
  entries(subscription: number): LogEntry[] {
    return this.#entries.get(subscription) ?? [];
  }

  /** Waits until a subscription has got so many entries. */
  async entriesUpTo(subscription: number, count: number): Promise<LogEntry[]> {
    while (this.entries(subscription).length < count) {
      if (this.#end !== undefined) throw new Error(`ended with ${status[this.#end.code]} before ${count} entries came`);
      await this.changed();
    }
    return this.entries(subscription);
  }

  /** Reason with which the relay refused the connection; the call must have ended cleanly after it. */
  async refusal(): Promise<string> {
    const { reason } = await this.next('connectionRefused');
    const { code } = await this.ended;
    if (code !== status.OK) throw new Error(`ended with ${status[code]}`);
    if (this.frames.at(-1)?.case !== 'connectionRefused') throw new Error('something came after the refusal');
    return refusalFromWire(reason);
  }

  #keep(frame: ServerFrameShape): void {
    this.frames.push(frame);
    if (frame.case === 'deliver') {
      const { subscription, entries } = frame.value;
      const known = this.#entries.get(subscription) ?? [];
      for (const entry of entries) known.push(entryFromWire(entry));
      this.#entries.set(subscription, known);
    } else {
      const untaken = this.#untaken.get(frame.case) ?? [];
      untaken.push(frame);
      this.#untaken.set(frame.case, untaken);
    }
  }

  #notify(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
