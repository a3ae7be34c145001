import type { Failure } from '../../lib/base/errors.ts';
import type { ClusterView } from '../../lib/model/view.ts';
import type { Change, ObjectChange } from '../../lib/store/changes.ts';
import { Snapshot } from '../../lib/store/snapshot.ts';
import type { StoredStep } from '../../lib/store/stored-job.ts';

/** A store in memory that keeps the journal of one opcode, and that can die as a master does: from then on it takes nothing. */
export class MemoryStore {
  /** The changes of each commit that was written, in order. */
  readonly written: Change[][] = [];
  view = Snapshot.of([]);
  /** How many more commits are taken before the master is dead. */
  life = Number.POSITIVE_INFINITY;
  /** Called with the changes of each commit before it is written; it may take its time. */
  delay: (changes: readonly Change[]) => Promise<void> | void = () => undefined;
  #last: Promise<void> = Promise.resolve();

  async commit(_author: unknown, build: (view: ClusterView) => readonly Change[]): Promise<void> {
    const changes = [...build(this.view)];
    const before = this.#last;
    this.#last = (async () => {
      await before.catch(() => undefined);
      await this.delay(changes);
      if (this.life <= 0) throw new Error('the master is dead');
      this.life -= 1;
      this.written.push(changes);
      this.view = this.view.after(changes.filter((change): change is ObjectChange => 'kind' in change));
    })();
    return this.#last;
  }

  /** What the next life of the master finds: the steps as the database would have them, and the failure that is undone for. */
  stored(): { steps: StoredStep[]; undo: Failure | null } {
    const steps = new Map<string, StoredStep>();
    let undo: Failure | null = null;
    for (const change of this.written.flat()) {
      if (change.change === 'op-undo') undo = change.failure;
      if (change.change === 'step-begin' && !steps.has(change.name))
        steps.set(change.name, { op: change.op, name: change.name, seq: null, end: null });
      if (change.change === 'step-end') {
        const { op, name, seq, end } = change;
        steps.set(name, { op, name, seq, end });
      }
    }
    return { steps: [...steps.values()].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0)), undo };
  }
}
