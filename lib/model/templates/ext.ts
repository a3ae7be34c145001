import { defineTemplate } from './define.ts';

/** Disks that a provider of the administrator makes on storage that every node reaches. */
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
