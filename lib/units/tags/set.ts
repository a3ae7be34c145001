// OP_TAGS_SET: adds tags to an object; those that it has already are no error.

import { tagsSet as opcode } from '../../opcodes/tags/set.ts';
import { defineUnit } from '../define.ts';
import { checkTags, findTagged, retag } from './tagging.ts';

export const tagsSet = defineUnit(opcode, {
  check({ view }, params) {
    const { kind, uuid } = findTagged(view, params.kind, params.name);
    return { kind, uuid, tags: checkTags(params.tags) };
  },
  run: async ({ clock }, { kind, uuid, tags }) => ({
    result: null,
    changes: (view) =>
      retag(view, { kind, uuid }, (set) => void tags.map((tag) => set.add(tag)), clock.seconds()),
  }),
});
