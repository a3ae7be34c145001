import type { Resource } from '../resource.ts';

/** The version of the RAPI. */
const RAPI_VERSION = 2;

const FEATURES = [
  'instance-create-reqv1',
  'instance-reinstall-reqv1',
  'node-migrate-reqv1',
  'node-evac-res1',
];

/** What concerns the cluster and the API itself. */
export const clusterResources: readonly Resource[] = [
  {
    name: 'root',
    path: '/',
    methods: { GET: { access: 'look', opcode: null, handle: () => null } },
  },
  {
    name: '2',
    path: '/2',
    methods: { GET: { access: 'look', opcode: null, handle: () => null } },
  },
  {
    name: 'version',
    path: '/version',
    methods: { GET: { access: 'look', opcode: null, handle: () => RAPI_VERSION } },
  },
  {
    name: 'info',
    path: '/2/info',
    methods: {
      GET: { access: 'look', opcode: null, handle: (call) => call.manager.clusterInfo(call.principal) },
    },
  },
  {
    name: 'features',
    path: '/2/features',
    methods: { GET: { access: 'look', opcode: null, handle: () => FEATURES } },
  },
  {
    name: 'os',
    path: '/2/os',
    methods: {
      GET: { access: 'look', opcode: null, handle: (call) => call.manager.osNames(call.principal) },
    },
  },
];
