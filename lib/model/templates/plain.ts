import { defineTemplate, VOLUME_GROUP, volumeFor } from './define.ts';

/** Logical volumes of one node. */
export const plain = defineTemplate({
  activated: true,
  space: 'volume-group',
  storage: ['lvm-vg', 'lvm-pv'],
  takes: ['adopt', 'vg'],
  hookNames: ['VG', 'ID'],
  uses: ['vg_name'],
  params: { stripes: 1 },
  logicalId: ({ request, uuid, index }) => [
    request.vg ?? VOLUME_GROUP,
    request.adopt ?? `${uuid}.disk${index}`,
  ],
  snapshotPlace: ([group = VOLUME_GROUP], uuid) => volumeFor(group, uuid),
});
