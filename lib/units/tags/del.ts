// OP_TAGS_DEL: removes tags from an object, which must have all of them.

import { MerapiError } from '../../base/errors.ts';
import { tagsDel as opcode } from '../../opcodes/tags/del.ts';
import { defineUnit } from '../define.ts';
import { checkTags, findTagged, retag } from './tagging.ts';

export const tagsDel = defineUnit(opcode, {
  check({ view }, params) {
    const { kind, uuid, tags: present } = findTagged(view, params.kind, params.name);
    const tags = checkTags(params.tags);
    const missing = tags.filter((tag) => !present.includes(tag));
    if (missing.length > 0)
      throw new MerapiError(
        'not_found',
        `The ${params.kind} has no tag ${missing.map((tag) => `'${tag}'`).join(', ')}`,
      );
    return { kind, uuid, tags };
  },
  run: async ({ clock }, { kind, uuid, tags }) => ({
    result: null,
    changes: (view) =>
      retag(view, { kind, uuid }, (set) => void tags.map((tag) => set.delete(tag)), clock.seconds()),
  }),
});
