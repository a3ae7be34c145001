import { Slices } from '../base/slices.ts';
import { allocate } from './allocate.ts';
import type { AllocateRequest, Allocation, AllocatorCluster } from './model.ts';
import { withNew } from './moves.ts';

/** A new instance. */
interface Wanted {
  readonly name: string;
  readonly request: AllocateRequest;
}

/** Allocates several new instances one after the other; each sees those before it that were placed. Returns one answer for each. */
export async function multiAllocate(
  cluster: AllocatorCluster,
  wanted: readonly Wanted[],
): Promise<Allocation[]> {
  const slices = new Slices();
  const answers: Allocation[] = [];
  let now = cluster;
  for (const { name, request } of wanted) {
    if (slices.over) await slices.pause();
    const answer = allocate(now, request);
    answers.push(answer);
    if (answer.ok) now = withNew(now, name, request, answer.nodes);
  }
  return answers;
}
