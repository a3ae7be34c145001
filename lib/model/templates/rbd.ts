import { defineTemplate } from './define.ts';

/** RBD images of a Ceph cluster. */
export const rbd = defineTemplate({
  shared: true,
  activated: true,
  storage: ['rados'],
  takes: ['access'],
  params: { access: 'kernelspace', pool: 'rbd' },
  logicalId: ({ uuid, index }) => ['rbd', `${uuid}.rbd.disk${index}`],
});
