import { defineTemplate } from './define.ts';

/** Existing block devices that every node can access, named by their paths. */
export const blockdev = defineTemplate({
  shared: true,
  foreign: true,
  storage: ['blockdev'],
  takes: ['adopt'],
  requires: ['adopt'],
  logicalId: ({ request }) => ['manual', request.adopt ?? ''],
});
