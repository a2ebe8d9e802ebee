import { join } from 'node:path';
import { Subject, type Observable } from 'rxjs';
import type { AgentName } from './chat.ts';
import type { Child } from './child.ts';
import { type Note, readNotes } from './notebook.ts';
import type { AgentBrief, Counts, FromAgent, Progress, ToAgent } from './protocol.ts';
import type { Stage } from './stage.ts';

/** An agent, as the demo sees it, through all lives of its process. */
export class AgentHandle {
  readonly #brief: AgentBrief;
  readonly #stage: Stage;
  readonly #messages$ = new Subject<FromAgent>();
  /** The last report of each life. */
  readonly #reports: (Progress | undefined)[] = [];
  #child: Child<ToAgent, FromAgent> | undefined;

  constructor(brief: AgentBrief, stage: Stage) {
    this.#brief = brief;
    this.#stage = stage;
    stage.addWitness(() => this.#describe());
  }

  get name(): AgentName {
    return this.#brief.name;
  }

  /** What the agent says, in all its lives. Hot. */
  get messages$(): Observable<FromAgent> {
    return this.#messages$;
  }

  /** The last report of the running process. */
  get progress(): Progress | undefined {
    return this.#reports.at(-1);
  }

  /** Lines in the notebook, by the last report. */
  get lines(): number {
    return this.progress?.lines ?? 0;
  }

  get restarts(): number {
    return Math.max(0, this.#reports.length - 1);
  }

  /** The notebook, as it is on disk. */
  get notes(): readonly Note[] {
    return readNotes(join(this.#brief.dataDir, 'notebook', 'notes.jsonl'));
  }

  /** What was counted, in all lives. */
  get counts(): Counts {
    const sum = (count: keyof Counts): number => this.#reports.reduce((all, report) => all + (report?.[count] ?? 0), 0);
    return {
      redelivered: sum('redelivered'),
      duplicates: sum('duplicates'),
      gaps: sum('gaps'),
      decryptFailures: sum('decryptFailures'),
      otherFaults: sum('otherFaults'),
      reconnects: sum('reconnects'),
    };
  }

  /** Starts the process; another time, on the directory that the one before has left. */
  start(): void {
    const child = this.#stage.start<ToAgent, FromAgent>(this.name, 'agent-process', this.#brief);
    const life = this.#reports.push(undefined) - 1;
    child.messages$.subscribe((message) => {
      if (message.kind === 'failed') this.#stage.fail(new Error(`${this.name} has failed: ${message.message}`));
      if (message.kind === 'progress') this.#reports[life] = message.progress;
      this.#messages$.next(message);
      this.#stage.changed();
    });
    this.#child = child;
  }

  /** The running process. */
  get process(): Child<ToAgent, FromAgent> {
    if (this.#child === undefined) throw new Error(`${this.name} has not been started`);
    return this.#child;
  }

  #describe(): string {
    if (this.progress === undefined) return `${this.name}: not in the channel yet`;
    return `${this.name}: waits for ${this.progress.waitsFor}; ${this.progress.status}`;
  }
}
