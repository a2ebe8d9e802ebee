import { agentsOf, knownMessages, ofKind, seenBy, violation } from './facts.ts';
import type { Checker, Violation } from './observation.ts';

/** All see one order: places rise for each, and at each place all see the same message of the same sender. */
export const oneOrder: Checker = {
  name: 'one-order',
  check(run) {
    const known = knownMessages(run);
    const differing = ofKind(run, 'message').filter(({ seq, sender, payload }) => {
      const first = known.get(seq);
      return first?.sender !== sender || first.payload !== payload;
    });
    const backwards = agentsOf(run).flatMap((agent): Violation[] => {
      let last = { life: 0, seq: 0 };
      return seenBy(run, agent).flatMap((each): Violation[] => {
        if ((each.kind !== 'message' && each.kind !== 'epoch') || (each.kind === 'message' && each.redelivered))
          return [];
        const isBackwards = each.life === last.life && each.seq < last.seq;
        const detail = `${each.kind} ${each.seq} came behind ${last.seq}`;
        last = { life: each.life, seq: each.seq };
        return isBackwards ? [violation('one-order', agent, detail)] : [];
      });
    });
    return [
      ...differing.map(({ agent, seq }) =>
        violation('one-order', agent, `message ${seq} is not the one that others know`),
      ),
      ...backwards,
    ];
  },
};

/** What one caller sends is stored in the order of its calls. */
export const sendsKeepOrder: Checker = {
  name: 'sends-keep-order',
  check(run) {
    const places = new Map([...knownMessages(run)].map(([seq, { sender, payload }]) => [`${sender} ${payload}`, seq]));
    return agentsOf(run).flatMap((agent) => {
      let last = 0;
      return seenBy(run, agent).flatMap((send): Violation[] => {
        const seq = send.kind === 'send' ? places.get(`${agent} ${send.payload}`) : undefined;
        if (seq === undefined) return [];
        const isBackwards = seq < last;
        const before = last;
        last = Math.max(last, seq);
        return isBackwards
          ? [violation('sends-keep-order', agent, `a later send is stored as ${before}, this one as ${seq}`)]
          : [];
      });
    });
  },
};
