import { defineTemplate } from './define.ts';

/** Instances without disks. */
export const diskless = defineTemplate({
  hasData: false,
  shared: true,
  storage: ['diskless'],
  hookNames: null,
  logicalId: () => [],
});
