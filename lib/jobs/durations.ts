import type { Job } from '../model/job.ts';

/** How many of the newest durations are kept for each kind of opcode. */
const KEPT = 50;

/** How long successful opcodes took, by OP_ID; used for estimates only. */
export class Durations {
  readonly #seconds = new Map<string, number[]>();

  /** Adds the durations of a job that has ended. Dry runs and opcodes that did not succeed are left out. */
  learn(job: Pick<Job, 'ops'>): void {
    for (const { input, status, exec, end } of job.ops) {
      if (status !== 'success' || exec === null || end === null || input.dry_run) continue;
      const known = this.#seconds.get(input.OP_ID) ?? [];
      known.push(Math.max(0, end - exec));
      this.#seconds.set(input.OP_ID, known.slice(-KEPT));
    }
  }

  /** The median in seconds, and the number of durations that it is based on; null when there is none. */
  median(opcode: string): { seconds: number; samples: number } | null {
    const known = this.#seconds.get(opcode);
    if (!known) return null;
    const sorted = known.toSorted((a, b) => a - b);
    return { seconds: sorted[sorted.length >> 1] ?? 0, samples: sorted.length };
  }
}
