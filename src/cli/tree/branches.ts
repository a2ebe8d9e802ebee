import type { InspectionNode } from '../../inspection/index.ts';

/** A row of the tree: its lines, its name, and the node, if more than the name is known of it. */
export interface Branch {
  /** `│  ├─ `, empty for a root. */
  readonly lines: string;
  readonly name: string;
  readonly node: InspectionNode | undefined;
}

interface Twig {
  node: InspectionNode | undefined;
  readonly below: Map<string, Twig>;
}

/**
 * Paths as a tree, top down. A channel's name has three components and one row; a parent that the feed does not tell of
 * has a row with its name.
 */
export function branches(nodes: Iterable<InspectionNode>): readonly Branch[] {
  const root: Twig = { node: undefined, below: new Map() };
  for (const node of nodes) {
    let twig = root;
    for (const name of namesOf(node)) {
      let next = twig.below.get(name);
      if (next === undefined) twig.below.set(name, (next = { node: undefined, below: new Map() }));
      twig = next;
    }
    twig.node = node;
  }
  const rows: Branch[] = [];
  const visit = ({ below }: Twig, lines: string, isTop: boolean): void => {
    const sorted = [...below].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [index, [name, twig]] of sorted.entries()) {
      const isLast = index === sorted.length - 1;
      rows.push({ lines: isTop ? '' : `${lines}${isLast ? '└─ ' : '├─ '}`, name, node: twig.node });
      visit(twig, isTop ? '' : `${lines}${isLast ? '   ' : '│  '}`, false);
    }
  };
  visit(root, '', true);
  return rows;
}

function namesOf(node: InspectionNode): readonly string[] {
  const names = node.path.split('/').slice(1);
  if (node.kind !== 'channel') return names;
  return [...names.slice(0, -3), node.name];
}
