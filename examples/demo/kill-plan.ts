/** When the demo kills whom, in lines of the file. */
export interface KillPlan {
  /** The relay is killed when bob and carol have this line. */
  readonly relayAtLine: number;
  /** alice stops behind this line until the relay is in trouble, so that it has lines in its hands when it dies. */
  readonly relayGate: number;
  /** bob is killed when he has this line. He cannot have it before the relay is back. */
  readonly bobAtLine: number;
  readonly bobGate: number;
}

/** The fewest lines among which something can be killed midway, twice. */
export const MIN_LINES = 20;

/** Chooses the places: the relay between a fifth and a third of the file, bob between a half and two thirds. */
export function planKills(lines: number, seed: number): KillPlan {
  const random = seededFractions(seed);
  const between = (from: number, to: number): number => Math.floor(lines * (from + random() * (to - from)));
  const slack = Math.min(64, Math.floor(lines / 10));
  const relayAtLine = between(0.2, 0.35);
  const bobAtLine = between(0.5, 0.65);
  return { relayAtLine, relayGate: relayAtLine + slack, bobAtLine, bobGate: bobAtLine + slack };
}

/** Numbers in [0, 1) that a seed determines: a Weyl sequence, mixed (the finalizer of MurmurHash3). */
function seededFractions(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}
