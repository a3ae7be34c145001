import type { ParamKinds, ParamValues } from '../enforce.ts';

/** All disk templates that Ganeti 3.0 names, in its order. */
export const diskTemplates = [
  'blockdev',
  'diskless',
  'drbd',
  'ext',
  'file',
  'gluster',
  'plain',
  'rbd',
  'sharedfile',
] as const;
export type DiskTemplate = (typeof diskTemplates)[number];

/** The templates whose data every node of a group can reach: an instance can run on any of them. */
export const diskTemplatesOnAllNodes: readonly DiskTemplate[] = [
  'blockdev',
  'diskless',
  'ext',
  'gluster',
  'rbd',
  'sharedfile',
];

/** The kinds of the disk parameters of all templates. */
export const diskParamKinds: ParamKinds = {
  access: 'string',
  'c-delay-target': 'int',
  'c-fill-target': 'int',
  'c-max-rate': 'int',
  'c-min-rate': 'int',
  'c-plan-ahead': 'int',
  'data-stripes': 'int',
  'disk-barriers': 'string',
  'disk-custom': 'string',
  'dynamic-resync': 'bool',
  host: 'string',
  'meta-barriers': 'bool',
  'meta-stripes': 'int',
  metavg: 'string',
  'net-custom': 'string',
  pool: 'string',
  port: 'int',
  protocol: 'string',
  'resync-rate': 'int',
  stripes: 'int',
  volume: 'string',
};

/** The disk parameters of each template with Ganeti's defaults. */
export const diskParamDefaults: Readonly<Record<DiskTemplate, ParamValues>> = {
  blockdev: {},
  diskless: {},
  drbd: {
    'c-delay-target': 1,
    'c-fill-target': 0,
    'c-max-rate': 61440,
    'c-min-rate': 4096,
    'c-plan-ahead': 20,
    'data-stripes': 1,
    'disk-barriers': 'n',
    'disk-custom': '',
    'dynamic-resync': false,
    'meta-barriers': false,
    'meta-stripes': 1,
    metavg: 'xenvg',
    'net-custom': '',
    protocol: 'C',
    'resync-rate': 61440,
  },
  ext: { access: 'kernelspace' },
  file: {},
  gluster: { access: 'kernelspace', host: '127.0.0.1', port: 24007, volume: 'gv0' },
  plain: { stripes: 1 },
  rbd: { access: 'kernelspace', pool: 'rbd' },
  sharedfile: {},
};
