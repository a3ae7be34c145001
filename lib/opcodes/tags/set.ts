import * as z from 'zod';
import { defineOpcode } from '../define.ts';
import { taggedObject, tagParams, tagPlan } from './params.ts';

export const tagsSet = defineOpcode({
  id: 'OP_TAGS_SET',
  summary: 'Adds tags to an object, which keeps those that it has.',
  params: tagParams,
  result: z.null(),
  summaryField: null,
  objects: taggedObject,
  locks: tagPlan,
  example: { kind: 'instance', name: 'web1.example.com', tags: ['production'] },
});
