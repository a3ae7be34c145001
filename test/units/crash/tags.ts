import { create, instance_name, removal, type Scenario } from './define.ts';

const tag = { kind: 'instance', name: instance_name, tags: ['a', 'b'] };

/** Tags of objects. */
export const tagScenarios: Scenario[] = [
  { name: 'add tags', setup: [create], op: { OP_ID: 'OP_TAGS_SET', ...tag }, cleanup: [removal] },
  {
    name: 'remove tags',
    setup: [create, { OP_ID: 'OP_TAGS_SET', ...tag }],
    op: { OP_ID: 'OP_TAGS_DEL', ...tag },
    cleanup: [removal],
  },
];
