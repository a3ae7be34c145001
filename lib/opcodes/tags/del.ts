import * as z from 'zod';
import { defineOpcode } from '../define.ts';
import { taggedObject, tagParams, tagPlan } from './params.ts';

export const tagsDel = defineOpcode({
  id: 'OP_TAGS_DEL',
  summary: 'Takes tags away from an object that has them all.',
  params: tagParams,
  result: z.null(),
  summaryField: null,
  objects: taggedObject,
  locks: tagPlan,
  example: { kind: 'instance', name: 'web1.example.com', tags: ['production'] },
});
