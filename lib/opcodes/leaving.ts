import { kinds, maybe, optional } from '../model/params.ts';

/** How instances leave their nodes: the parameters of opcodes that submit jobs for it. */
export const leaving = {
  early_release: optional(kinds.bool, false, 'Remove old sides of mirrors before the new ones are in sync.'),
  iallocator: optional(maybe(kinds.name), null, 'The allocator that chooses the new nodes.'),
};
