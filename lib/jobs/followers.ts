import type { Json } from '../base/json.ts';
import type { OpInput } from '../model/job.ts';

/**
 * The opcodes of a job that another opcode leaves behind. What they do not say of themselves they have from that one, and its
 * reasons come after their own.
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
