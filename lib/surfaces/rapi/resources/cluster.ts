import * as z from 'zod';
import { showCluster } from '../info.ts';
import type { Resource } from '../resource.ts';
import { JsonText } from '../stream.ts';
import { submits } from '../submission.ts';

/** The version of the RAPI. */
const RAPI_VERSION = 2;

/** The features of Ganeti's RAPI by which clients choose the forms of their requests. */
const FEATURES = [
  'instance-create-reqv1',
  'instance-reinstall-reqv1',
  'node-migrate-reqv1',
  'node-evac-res1',
];

const emptyResource = {
  access: 'look',
  opcode: null,
  doc: 'Returns null; shows that the API is available.',
  answer: z.null(),
} as const;

/** The resources of the API itself and of the cluster as a whole. */
export const clusterResources: readonly Resource[] = [
  {
    name: 'root',
    path: '/',
    methods: { GET: { ...emptyResource, handle: () => null } },
  },
  {
    name: '2',
    path: '/2',
    methods: { GET: { ...emptyResource, handle: () => null } },
  },
  {
    name: 'version',
    path: '/version',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Returns the version of the API.',
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
        doc: 'Returns all properties of the cluster itself.',
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
        doc: 'Lists the optional features of the API.',
        answer: z.array(z.string()),
        handle: () => FEATURES,
      },
    },
  },
  {
    name: 'cluster_modify',
    path: '/2/modify',
    methods: {
      PUT: submits('OP_CLUSTER_SET_PARAMS', { optionalDryRun: true, forbidden: ['compression_tools'] }),
    },
  },
  {
    name: 'redist_config',
    path: '/2/redistribute-config',
    methods: { PUT: submits('OP_CLUSTER_REDIST_CONF', { optionalDryRun: true }) },
  },
];
