import { left, nodeWidth, parent, right, root, sibling, toNodeIndex } from 'ts-mls/treemath.js';
import type { Report } from './report.ts';
import type { Vector } from './vector.ts';

/** Indices of relatives in a tree that is kept as an array (RFC 9420 appendix C). */
export function treeMath(vector: Vector, report: Report): void {
  const leaves = vector.number('n_leaves');
  const nodes = nodeWidth(leaves);
  report.holds('n_nodes', nodes === vector.number('n_nodes'));
  report.holds('root', root(leaves) === vector.number('root'));
  const isLeaf = (index: number): boolean => index % 2 === 0;
  const isRoot = (index: number): boolean => index === vector.number('root');
  const relatives: [field: string, find: (index: number) => number | null][] = [
    ['left', (index) => (isLeaf(index) ? null : left(toNodeIndex(index)))],
    ['right', (index) => (isLeaf(index) ? null : right(toNodeIndex(index)))],
    ['parent', (index) => (isRoot(index) ? null : parent(toNodeIndex(index), leaves))],
    ['sibling', (index) => (isRoot(index) ? null : sibling(toNodeIndex(index), leaves))],
  ];
  for (const [field, find] of relatives) {
    const expected = vector.list(field);
    report.holds(`length of ${field}`, expected.length === nodes);
    for (const [index, relative] of expected.entries()) {
      report.holds(`${field} of node ${index}`, find(index) === relative);
    }
  }
}
