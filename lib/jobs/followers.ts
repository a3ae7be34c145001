import type { Json } from '../base/json.ts';
import type { OpInput } from '../model/job.ts';

/**
 * The opcodes of a job that another opcode submits when it ends. They inherit its priority, debug level and reason trail, as in
 * Ganeti; a priority and a comment of their own are kept, and their own reasons come first.
 */
export function followersOf(parent: OpInput, ops: readonly OpInput[]): OpInput[] {
  const { OP_ID, priority, debug_level } = parent;
  const reasons = (op: OpInput) => (op.reason as Json[] | null | undefined) ?? [];
  return ops.map((op) => ({
    ...op,
    priority: op.priority ?? priority,
    debug_level,
    comment: op.comment || `Submitted by ${OP_ID}`,
    reason: [...reasons(op), ...reasons(parent)],
  }));
}
