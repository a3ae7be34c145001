import { defineTemplate } from './define.ts';

/** Devices that every node sees and that are there already, named by their paths. */
export const blockdev = defineTemplate({
  shared: true,
  foreign: true,
  storage: ['blockdev'],
  takes: ['adopt'],
  requires: ['adopt'],
  logicalId: ({ request }) => ['manual', request.adopt ?? ''],
});
