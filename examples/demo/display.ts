import { styleText } from 'node:util';
import type { AgentHandle } from './agent-handle.ts';

/** How often the line of progress is drawn. */
const REDRAW_MS = 100;

/** What the demo prints while it runs: a line for each event and, on a terminal, one that shows how far everybody is. */
export class Display {
  readonly #isPlain: boolean;
  readonly #startedAt = performance.now();
  #redraw: NodeJS.Timeout | undefined;
  /** The line of progress, as it stands on the terminal. */
  #drawn = '';

  /** @param isPlain no colour, no cursor movement */
  constructor(isPlain: boolean) {
    this.#isPlain = isPlain;
  }

  style(format: Parameters<typeof styleText>[0], text: string): string {
    return this.#isPlain ? text : styleText(format, text);
  }

  print(text: string): void {
    this.#clear();
    process.stdout.write(`${text}\n`);
  }

  event(who: string, what: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(5);
    this.print(`${this.style('dim', `${seconds} s`)}  ${this.style('cyan', who.padEnd(6))} ${what}`);
  }

  /** Shows how far the agents are, until {@link Display.close}. */
  watch(agents: readonly AgentHandle[], lines: number): void {
    if (this.#isPlain) return;
    this.#redraw = setInterval(() => {
      const counts = agents.map(({ name, lines: noted }) => `${name} ${noted}`).join('   ');
      const drawn = this.style('dim', `         ${counts}   of ${lines} lines`);
      if (drawn === this.#drawn) return;
      this.#clear();
      this.#drawn = drawn;
      process.stdout.write(drawn);
    }, REDRAW_MS);
  }

  close(): void {
    clearInterval(this.#redraw);
    this.#clear();
  }

  #clear(): void {
    if (this.#drawn !== '') process.stdout.write('\r\x1b[2K');
    this.#drawn = '';
  }
}
