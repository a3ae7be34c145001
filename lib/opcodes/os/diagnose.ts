import * as z from 'zod';
import { osFieldValues } from '../../model/os.ts';
import { kinds, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { allOf } from '../objects.ts';

/** The names of the fields of an OS definition. */
export const osFields = Object.keys(osFieldValues);

export const osDiagnose = defineOpcode({
  id: 'OP_OS_DIAGNOSE',
  summary: 'Lists the OS definitions of the nodes, and what is wrong with invalid ones.',
  params: {
    output_fields: required(kinds.names, `The fields to return: ${osFields.join(', ')}.`),
    names: optional(kinds.names, [], 'The definitions; all of them when it is empty.'),
  },
  result: z.array(z.array(z.unknown())),
  summaryField: null,
  access: 'look',
  objects: () => [allOf('os')],
  locks: () => [], // it only reads, so it waits for no job
  example: { output_fields: ['name', 'valid', 'variants'] },
});
