import { defineTemplate } from './define.ts';

const BYTES_OF_SECRET = 20;

/** Logical volumes that two nodes mirror over the network (DRBD 8). */
export const drbd = defineTemplate({
  mirrored: true,
  activated: true,
  space: 'volume-group',
  metadata: 128,
  storage: ['lvm-vg', 'lvm-pv'],
  takes: ['metavg', 'vg'],
  hookNames: null,
  uses: ['vg_name', 'drbd_helper'],
  params: {
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
  // The nodes, the port and the minor numbers are set by onNodes() and reserveMirrors() once the nodes are chosen.
  logicalId: ({ random }) => ['', '', 0, 0, 0, random.bytes(BYTES_OF_SECRET).toString('hex')],
});
