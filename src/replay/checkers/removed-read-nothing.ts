import { agentsOf, memberships, ofKind, seenBy, violation } from './facts.ts';
import type { Checker, RunRecord, Violation } from './observation.ts';

/** Who is no member is shown nothing that was stored behind its removal, or before it was added. */
export const removedReadNothing: Checker = {
  name: 'removed-read-nothing',
  check: (run) =>
    agentsOf(run).flatMap((agent) => {
      const times = memberships(run, agent);
      return seenBy(run, agent).flatMap((each): Violation[] => {
        if (each.kind !== 'message') return [];
        const isMember = times.some(({ afterSeq, throughSeq }) => each.seq > afterSeq && each.seq < throughSeq);
        return isMember
          ? []
          : [violation('removed-read-nothing', agent, `message ${each.seq} was shown to who was no member`)];
      });
    }),
};

/**
 * Nobody was given anything that it could not read, but for what others had encrypted before it had its leaf and the relay
 * stored behind that. Does not hold where a plan damages entries.
 */
export const nothingUnreadable: Checker = {
  name: 'nothing-unreadable',
  check: (run) =>
    ofKind(run, 'unreadable').flatMap(({ agent, seq, epoch, why }): Violation[] => {
      const isFromBefore = why === 'stale' && epoch < leafEpoch(run, agent, seq);
      return isFromBefore ? [] : [violation('nothing-unreadable', agent, `entry ${seq} is ${why}`)];
    }),
};

/** The epoch in which an agent got the leaf that it has at a place. */
function leafEpoch(run: RunRecord, agent: string, seq: number): bigint {
  const first = ofKind(run, 'opened').find((each) => each.agent === agent)?.epoch ?? 0n;
  const fresh = ofKind(run, 'epoch').filter((each) => each.added.includes(agent) && each.seq <= seq);
  return fresh.reduce((latest, { epoch }) => (epoch > latest ? epoch : latest), first);
}
