import type { Job } from '../model/job.ts';

/** How many of the newest durations of each kind of opcode count. */
const KEPT = 50;

/** How long opcodes took that ended well, by their ids. */
export class Durations {
  readonly #seconds = new Map<string, number[]>();

  /** Takes what a job that has ended tells. */
  learn(job: Pick<Job, 'ops'>): void {
    for (const { input, status, exec, end } of job.ops) {
      if (status !== 'success' || exec === null || end === null || input.dry_run) continue;
      const known = this.#seconds.get(input.OP_ID) ?? [];
      known.push(Math.max(0, end - exec));
      this.#seconds.set(input.OP_ID, known.slice(-KEPT));
    }
  }

  /** The median in seconds, and of how many; null when there was none. */
  median(opcode: string): { seconds: number; samples: number } | null {
    const known = this.#seconds.get(opcode);
    if (!known) return null;
    const sorted = known.toSorted((a, b) => a - b);
    return { seconds: sorted[sorted.length >> 1] ?? 0, samples: sorted.length };
  }
}
