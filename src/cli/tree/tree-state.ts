import type { EventFrame, InspectionFrame, InspectionNode } from '../../inspection/index.ts';

/** Events that are kept for the lines below the tree. */
const MAX_EVENTS = 100;

/** What a feed has told so far. */
export class TreeState {
  readonly #nodes = new Map<string, InspectionNode>();
  readonly #events: EventFrame[] = [];
  #pid = 0;
  #dropped = 0;
  #nowMs = 0;

  /** By path. */
  get nodes(): ReadonlyMap<string, InspectionNode> {
    return this.#nodes;
  }

  /** The latest last. */
  get events(): readonly EventFrame[] {
    return this.#events;
  }

  get pid(): number {
    return this.#pid;
  }

  /** Frames that this reader was too slow for. What is shown is right again after the snapshot that follows. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The agent's clock when it last said something, Unix ms. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Takes a frame in. Frames that are not known are left out, as the format wants it. */
  apply(frame: InspectionFrame): void {
    if ('atMs' in frame) this.#nowMs = frame.atMs;
    switch (frame.frame) {
      case 'hello':
        this.#pid = frame.pid;
        return;
      case 'snapshot':
        this.#nodes.clear();
        for (const node of frame.nodes) this.#nodes.set(node.path, node);
        return;
      case 'changes':
        for (const node of frame.nodes) this.#nodes.set(node.path, node);
        for (const path of frame.gone) this.#nodes.delete(path);
        return;
      case 'event':
        this.#events.push(frame);
        if (this.#events.length > MAX_EVENTS) this.#events.shift();
        return;
      case 'dropped':
        this.#dropped += frame.frames;
        return;
      default:
        return;
    }
  }
}
