import { concatMap, map, merge, type Observable, skip, type Subscription, switchMap } from 'rxjs';
import { type Channel, probeChannel } from '../actors/channel/index.ts';
import type { Clock } from '../base/clock.ts';
import { OrderedSubject } from '../streams/index.ts';
import { FaultLabels } from './faults.ts';
import { actorFeedEvent, channelFeedEvent } from './feed-events.ts';
import type { ChangesFrame, EventFrame, FeedEvent, InspectionNode, SnapshotFrame } from './frame.ts';
import { actorNodes, agentNode, channelNode, type NodeContext } from './nodes.ts';
import { agentPath, systemRoot } from './paths.ts';
import { Rates } from './rates.ts';
import type { InspectedAgent, InspectionSources } from './sources.ts';

interface Happening {
  readonly path: string;
  readonly event: FeedEvent;
}

export interface FeedOptions extends InspectionSources {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly errorTexts: boolean;
}

/**
 * What goes on in this process, for any number of readers: as it is now, what changes from one look to the next, and what
 * happens. Looks only while there are readers.
 */
export class InspectionFeed {
  readonly #options: FeedOptions;
  readonly #labels: FaultLabels;
  readonly #rates = new Rates();
  readonly #frames = new OrderedSubject<ChangesFrame | EventFrame>();
  /** As of the last look: nodes and their JSON, by path. */
  #seen = new Map<string, { readonly node: InspectionNode; readonly json: string }>();
  #readers = 0;
  #lastEvent = 0;
  readonly #followed: Subscription | undefined;
  #statusSinceMs: number;
  #cancelTick: (() => void) | undefined;
  #subscriptions: Subscription[] = [];

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#labels = new FaultLabels(options.errorTexts);
    this.#statusSinceMs = options.clock.now();
    const since = (): void => void (this.#statusSinceMs = options.clock.now());
    this.#followed = options.agent?.transport$.subscribe({ next: since, error: since });
  }

  /** What goes on from now on. Hot, no replay; completes when closed; never errors. For those that have attached. */
  get frames$(): Observable<ChangesFrame | EventFrame> {
    return this.#frames.asObservable();
  }

  /** A reader has come: the others get to know first what is new to it. Returns what it must be told first. */
  attach(): SnapshotFrame {
    this.#readers += 1;
    if (this.#readers === 1) this.#start();
    return this.snapshot();
  }

  /** A reader has gone. */
  detach(): void {
    this.#readers -= 1;
    if (this.#readers === 0) this.#stop();
  }

  /** All nodes as they are now. What the others have not seen of it they are told as well, so that all see the same. */
  snapshot(): SnapshotFrame {
    this.#look(false);
    return {
      frame: 'snapshot',
      atMs: this.#options.clock.now(),
      nodes: [...this.#seen.values()].map(({ node }) => node),
    };
  }

  /** No frames come any more. */
  close(): void {
    this.#followed?.unsubscribe();
    this.#stop();
    this.#frames.complete();
  }

  #start(): void {
    this.#subscriptions = this.#happenings().map((happenings$) =>
      happenings$.subscribe({
        next: (happening) => this.#tell(happening),
        // None of these streams errors; if one did, the feed would show it as what it is.
        error: (error: unknown) =>
          this.#tell({ path: '/', event: { kind: 'fault', fault: this.#labels.ofError(error) } }),
      }),
    );
    this.#plan();
  }

  #stop(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    this.#seen = new Map();
    this.#rates.keep(new Set());
  }

  #plan(): void {
    const { clock, intervalMs } = this.#options;
    this.#cancelTick = clock.schedule(intervalMs, () => {
      this.#look(true);
      this.#plan();
    });
  }

  /** Looks at everything, and tells what has changed since the last look. */
  #look(isTick: boolean): void {
    const nodes = this.#nodes(isTick);
    const seen = new Map(nodes.map((node) => [node.path, { node, json: JSON.stringify(node) }]));
    const changed = [...seen.values()].filter(({ node, json }) => this.#seen.get(node.path)?.json !== json);
    const gone = [...this.#seen.keys()].filter((path) => !seen.has(path));
    this.#seen = seen;
    if (changed.length === 0 && gone.length === 0) return;
    const atMs = this.#options.clock.now();
    this.#frames.next({ frame: 'changes', atMs, nodes: changed.map(({ node }) => node), gone });
  }

  #nodes(isTick: boolean): InspectionNode[] {
    const { systems = [], agent, clock } = this.#options;
    const nowMs = clock.now();
    const counters = new Set<string>();
    const context: NodeContext = {
      nowMs,
      labels: this.#labels,
      rate: (key, count) => {
        counters.add(key);
        return this.#rates.read(key, count, nowMs, isTick);
      },
    };
    const actors = systems.flatMap((system, index) => actorNodes(systemRoot(index), system.snapshot(), context));
    const nodes = agent === undefined ? actors : [...actors, ...this.#agentNodes(agent, context)];
    if (isTick) this.#rates.keep(counters);
    return nodes;
  }

  #agentNodes({ identity, transport$, channels$ }: InspectedAgent, context: NodeContext): InspectionNode[] {
    const path = agentPath(identity);
    const channels = channels$.value;
    const view = {
      path,
      identity,
      status: transport$.value,
      statusSinceMs: this.#statusSinceMs,
      channels: channels.length,
    };
    return [
      agentNode(view, this.#labels),
      ...channels.map((channel) => channelNode(`${path}/${channel.name}`, probeChannel(channel), context)),
    ];
  }

  #happenings(): readonly Observable<Happening>[] {
    const { systems = [], agent } = this.#options;
    const ofSystems = systems.map(({ inspect$ }, index) =>
      inspect$.pipe(
        map((event) => ({ path: `${systemRoot(index)}${event.path}`, event: actorFeedEvent(event, this.#labels) })),
      ),
    );
    return agent === undefined ? ofSystems : [...ofSystems, ...this.#agentHappenings(agent)];
  }

  #agentHappenings({ identity, transport$, channels$ }: InspectedAgent): readonly Observable<Happening>[] {
    const path = agentPath(identity);
    const ofTransport = transport$.pipe(
      skip(1),
      map((status): Happening => {
        const fault = 'cause' in status ? this.#labels.ofError(status.cause) : null;
        return { path, event: { kind: 'status', status: status.kind, fault } };
      }),
    );
    const ofChannels = channels$.pipe(
      switchMap((channels) => merge(...channels.map((channel) => this.#channelHappenings(path, channel)))),
    );
    return [ofTransport, ofChannels];
  }

  #channelHappenings(agent: string, channel: Channel): Observable<Happening> {
    const probe = probeChannel(channel);
    const path = `${agent}/${channel.name}`;
    const at = (event: FeedEvent | undefined): Happening[] => (event === undefined ? [] : [{ path, event }]);
    return merge(
      probe.events$.pipe(concatMap((event) => at(channelFeedEvent(event, this.#labels)))),
      channel.status$.pipe(
        skip(1),
        concatMap((status) => {
          const { cause } = channel.state$.value;
          return at({ kind: 'status', status, fault: cause === undefined ? null : this.#labels.ofError(cause) });
        }),
      ),
      channel.presence$.pipe(
        skip(1),
        concatMap((present) => at({ kind: 'presence', present: present.length + 1 })),
      ),
    );
  }

  #tell({ path, event }: Happening): void {
    this.#lastEvent += 1;
    this.#frames.next({ frame: 'event', id: this.#lastEvent, atMs: this.#options.clock.now(), path, event });
  }
}
