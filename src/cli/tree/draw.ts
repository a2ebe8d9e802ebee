import { harmless, styled } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { branches } from './branches.ts';
import { eventText, rowText } from './row-text.ts';
import type { TreeState } from './tree-state.ts';

/** Lines of events below the tree. */
const EVENT_LINES = 5;

/** The screen as lines, none wider and all together no higher than the terminal: what wraps or scrolls cannot be drawn over. */
export function drawTree(
  state: TreeState,
  terminal: Pick<Terminal, 'hasColour' | 'columns' | 'rows'>,
): readonly string[] {
  const width = Math.max(20, terminal.columns() - 1);
  const height = Math.max(3, terminal.rows() - 1);
  const dropped = state.dropped === 0 ? '' : `, ${state.dropped} frames missed`;
  const head = styled(terminal, 'bold', cut(`process ${state.pid}, ${state.nodes.size} nodes${dropped}`, width));
  const rows = branches(state.nodes.values()).map(({ lines, name, node }) => {
    if (node === undefined) return cut(`${lines}${harmless(name)}`, width);
    const { status, style, facts, fault } = rowText(node, state.nowMs);
    const parts: readonly (readonly [string, string?])[] = [
      [lines],
      [harmless(name)],
      [' '],
      [status, style],
      [`  ${facts.join(' · ')}`, 'dim'],
      ...(fault === undefined ? [] : [[`  ! ${harmless(fault)}`, 'red'] as const]),
    ];
    let left = width;
    return parts
      .map(([text, paint]) => {
        const shown = cut(text, left);
        left -= shown.length;
        return paint === undefined || shown === '' ? shown : styled(terminal, paint as 'dim', shown);
      })
      .join('');
  });
  const events = state.events
    .slice(-EVENT_LINES)
    .map((event) => styled(terminal, 'dim', cut(harmless(eventText(event)), width)));
  const room = height - 1 - events.length;
  const shown =
    rows.length > room ? [...rows.slice(0, room - 1), cut(`… ${rows.length - room + 1} more`, width)] : rows;
  return [head, ...shown, ...events];
}

function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 0 ? '' : `${text.slice(0, width - 1)}…`;
}
