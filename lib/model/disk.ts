import * as z from 'zod';
import { ObjectBase } from './object.ts';
import { diskTemplates } from './templates/index.ts';

/** A disk. It is an object of its own, since it can be detached from its instance and outlive it. Size in MiB. */
export const Disk = ObjectBase.extend({
  name: z.string().nullable(),
  dev_type: z.enum(diskTemplates),
  /** The location of the data; its form depends on the template (model/templates). File-based ones have [driver, absolute path]. */
  logical_id: z.array(z.union([z.string(), z.number()])),
  size: z.number().int(),
  mode: z.enum(['rw', 'ro']),
  spindles: z.number().int().nullable(),
  params: z.record(z.string(), z.unknown()),
  /** The instance that uses the disk, by uuid; null when it is detached. */
  instance: z.string().nullable(),
});
export type Disk = z.infer<typeof Disk>;
