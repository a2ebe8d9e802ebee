import { expect, test } from 'vitest';
import { drawTree } from '../../src/cli/tree/draw.ts';
import { TreeState } from '../../src/cli/tree/tree-state.ts';
import type { ActorNode, ChannelNode, InspectionFrame, InspectionNode } from '../../src/inspection/index.ts';

const actor = (path: string, more: Partial<ActorNode> = {}): ActorNode => ({
  kind: 'actor',
  path,
  status: 'running',
  incarnation: 1,
  restartsLeft: 3,
  restartsMax: 3,
  restartAtMs: null,
  depth: 0,
  capacity: 100,
  oldestMs: null,
  stashed: 0,
  inFlight: 0,
  handled: 0,
  ratePerSecond: 0,
  lastFault: null,
  ...more,
});

const channel: ChannelNode = {
  kind: 'channel',
  path: '/agents/alice/acme/ops/log',
  name: 'acme/ops/log',
  status: 'live',
  epoch: '7',
  members: 3,
  present: 2,
  seq: 12,
  unsettled: 1,
  unhandled: 4,
  depth: 2,
  capacity: 256,
  oldestMs: 1_500,
  isSlow: false,
  sent: 1,
  received: 9,
  sentPerSecond: 0,
  receivedPerSecond: 4.5,
  crashes: 0,
  faults: 1,
  lastFault: { kind: 'gap', code: null, text: null, atMs: 1_000 },
};

const paper = { hasColour: false, columns: () => 200, rows: () => 40 };

const shown = (frames: readonly InspectionFrame[], terminal: typeof paper = paper): readonly string[] => {
  const state = new TreeState();
  for (const frame of frames) state.apply(frame);
  return drawTree(state, terminal);
};

const snapshot = (...nodes: readonly InspectionNode[]): InspectionFrame => ({ frame: 'snapshot', atMs: 5_000, nodes });

test('draws actors below their supervisors, and channels below their agent, with all that is known of them', () => {
  const lines = shown([
    snapshot(
      actor('/actors/swarm'),
      actor('/actors/swarm/worker-1'),
      actor('/actors/swarm/worker-2', {
        status: 'backingOff',
        incarnation: 3,
        restartsLeft: 1,
        restartAtMs: 5_400,
        depth: 9,
        oldestMs: 2_000,
        ratePerSecond: 12.4,
        lastFault: { kind: 'TypeError', code: null, text: null },
      }),
      channel,
    ),
  ]);
  expect(lines).toEqual([
    'process 0, 4 nodes',
    'actors',
    '└─ swarm running  life 1 · restarts 3/3 · box 0/100 · 0/s',
    '   ├─ worker-1 running  life 1 · restarts 3/3 · box 0/100 · 0/s',
    '   └─ worker-2 backingOff 400 ms  life 3 · restarts 1/3 · box 9/100 (2.0 s) · 12/s  ! TypeError',
    'agents',
    '└─ alice',
    '   └─ acme/ops/log live  epoch 7 · 3 members, 2 here · box 2/256 (1.5 s) · unsent 1 · unread 4 · in 4.5/s out 0/s  ! gap',
  ]);
});

test('follows changes, forgets what is gone, and starts over at a snapshot', () => {
  const before = snapshot(actor('/actors/a'), actor('/actors/b'));
  const change: InspectionFrame = {
    frame: 'changes',
    atMs: 6_000,
    nodes: [actor('/actors/c', { status: 'starting' })],
    gone: ['/actors/a'],
  };
  expect(shown([before, change]).map((line) => line.split('  ')[0])).toEqual([
    'process 0, 2 nodes',
    'actors',
    '├─ b running',
    '└─ c starting',
  ]);
  const after = shown([before, change, { frame: 'dropped', frames: 3 }, snapshot(actor('/actors/d'))]);
  expect(after[0]).toBe('process 0, 1 nodes, 3 frames missed');
  expect(after).toHaveLength(3);
});

test('never draws wider or higher than the terminal', () => {
  const nodes = Array.from({ length: 50 }, (_, index) => actor(`/actors/worker-${'x'.repeat(60)}-${index}`));
  const lines = shown([snapshot(...nodes)], { hasColour: false, columns: () => 40, rows: () => 12 });
  expect(lines.length).toBeLessThan(12);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(40);
  expect(lines.at(-1)).toBe('… 42 more');
});

test('shows control characters of names and faults, and obeys none', () => {
  const [, , line] = shown([snapshot(actor('/actors/\u001b[2Jevil'))]);
  expect(line).toContain('\\u001b[2Jevil');
});
