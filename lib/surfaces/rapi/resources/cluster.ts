import * as z from 'zod';
import { showCluster } from '../info.ts';
import type { Resource } from '../resource.ts';
import { JsonText } from '../stream.ts';
import { submits } from '../submission.ts';

/** The version of the RAPI. */
const RAPI_VERSION = 2;

const FEATURES = [
  'instance-create-reqv1',
  'instance-reinstall-reqv1',
  'node-migrate-reqv1',
  'node-evac-res1',
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
        handle: (call) => JsonText.of(call.manager.cluster(call.principal), showCluster),
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
