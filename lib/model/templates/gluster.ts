import { defineTemplate } from './define.ts';

/** Files on a Gluster volume. */
export const gluster = defineTemplate({
  shared: true,
  storage: ['gluster'],
  takes: ['access'],
  fileBased: true,
  needs: ['gluster_storage_dir'],
  params: { access: 'kernelspace', host: '127.0.0.1', port: 24007, volume: 'gv0' },
  logicalId: ({ fileDriver, instance, uuid }) => [fileDriver, `ganeti/${instance.uuid}.${uuid}`],
});
