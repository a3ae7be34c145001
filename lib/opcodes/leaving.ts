import { kinds, maybe, optional } from '../model/params.ts';

/** The parameters of opcodes that submit jobs which move instances away from their nodes. */
export const leaving = {
  early_release: optional(kinds.bool, false, 'Remove old sides of mirrors before the new ones are in sync.'),
  iallocator: optional(maybe(kinds.name), null, 'The allocator that chooses the new nodes.'),
};
