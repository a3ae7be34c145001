import * as z from 'zod';
import { osFieldValues } from '../../model/os.ts';
import { kinds, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { allOf } from '../objects.ts';

/** What can be asked of an OS definition. */
export const osFields = Object.keys(osFieldValues);

export const osDiagnose = defineOpcode({
  id: 'OP_OS_DIAGNOSE',
  summary: 'Tells which OS definitions the nodes have, and what is wrong with broken ones.',
  params: {
    output_fields: required(kinds.names, `The fields wanted of ${osFields.join(', ')}.`),
    names: optional(kinds.names, [], 'The definitions; all of them when it is empty.'),
  },
  result: z.array(z.array(z.unknown())),
  summaryField: null,
  access: 'look',
  objects: () => [allOf('os')],
  locks: () => [],
  example: { output_fields: ['name', 'valid', 'variants'] },
});
