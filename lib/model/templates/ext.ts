import { defineTemplate } from './define.ts';

/** Disks that an ExtStorage provider, a set of the administrator's scripts, manages on storage that every node can access. */
export const ext = defineTemplate({
  shared: true,
  activated: true,
  storage: ['ext'],
  takes: 'any',
  requires: ['provider'],
  hookNames: ['PROVIDER', 'ID'],
  params: { access: 'kernelspace' },
  logicalId: ({ request, uuid, index }) => [request.provider ?? '', `${uuid}.ext.disk${index}`],
});
