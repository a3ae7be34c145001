import * as z from 'zod';
import { jsonListing } from '../listed.ts';
import type { Resource } from '../resource.ts';
import { rowSchema } from '../rows.ts';

/** The fields that a listing with `bulk=1` shows. */
const OS_FIELDS = [
  'name',
  'valid',
  'variants',
  'parameters',
  'api_versions',
  'blacklisted',
  'hidden',
  'os_hvp',
  'osparams',
  'trusted',
];

/** The OS definitions on the nodes. */
export const osResources: readonly Resource[] = [
  {
    name: 'os',
    path: '/2/os',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Lists the OS definitions that are valid on all nodes, variants as NAME+VARIANT; with `bulk=1` all fields of each definition, valid or not.',
        args: { bulk: { kind: 'flag', doc: 'Return all fields of each definition, not only its name.' } },
        answer: z.union([z.array(z.string()), z.array(rowSchema('os', OS_FIELDS))]),
        handle: (call): unknown =>
          call.query.flag('bulk')
            ? jsonListing(call.manager.listing(call.principal, 'os', OS_FIELDS))
            : call.manager.osNames(call.principal),
      },
    },
  },
];
