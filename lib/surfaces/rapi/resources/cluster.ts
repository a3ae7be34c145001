import * as z from 'zod';
import type { Resource } from '../resource.ts';
import { rowSchema } from '../rows.ts';
import { JsonText, jsonList } from '../stream.ts';
import { submits } from '../submission.ts';

/** The version of the RAPI. */
const RAPI_VERSION = 2;

const FEATURES = [
  'instance-create-reqv1',
  'instance-reinstall-reqv1',
  'node-migrate-reqv1',
  'node-evac-res1',
];

/** What is told of an OS definition. */
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

const nothing = {
  access: 'look',
  opcode: null,
  doc: 'Nothing: it tells that the API is there.',
  answer: z.null(),
} as const;

/** What concerns the cluster and the API itself. */
export const clusterResources: readonly Resource[] = [
  {
    name: 'root',
    path: '/',
    methods: { GET: { ...nothing, handle: () => null } },
  },
  {
    name: '2',
    path: '/2',
    methods: { GET: { ...nothing, handle: () => null } },
  },
  {
    name: 'version',
    path: '/version',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'The version of the API.',
        answer: z.literal(RAPI_VERSION),
        handle: () => RAPI_VERSION,
      },
    },
  },
  {
    name: 'info',
    path: '/2/info',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'All about the cluster itself.',
        answer: z.record(z.string(), z.unknown()),
        handle: (call) => JsonText.of(call.manager.clusterInfo(call.principal)),
      },
    },
  },
  {
    name: 'features',
    path: '/2/features',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'The optional features of the API.',
        answer: z.array(z.string()),
        handle: () => FEATURES,
      },
    },
  },
  {
    name: 'os',
    path: '/2/os',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'The OS definitions that are valid on all nodes, variants as NAME+VARIANT; with `bulk=1` all about each definition, valid or not.',
        args: { bulk: { kind: 'flag', doc: 'Tell all about each, not only its name.' } },
        answer: z.union([z.array(z.string()), z.array(rowSchema('os', OS_FIELDS))]),
        handle: (call): unknown =>
          call.query.flag('bulk')
            ? jsonList(call.manager.listing(call.principal, 'os', OS_FIELDS))
            : call.manager.osNames(call.principal),
      },
    },
  },
  {
    name: 'cluster_modify',
    path: '/2/modify',
    methods: {
      PUT: submits('OP_CLUSTER_SET_PARAMS', { quietDryRun: true, forbidden: ['compression_tools'] }),
    },
  },
  {
    name: 'redist_config',
    path: '/2/redistribute-config',
    methods: { PUT: submits('OP_CLUSTER_REDIST_CONF', { quietDryRun: true }) },
  },
];
