import { blockdev } from './blockdev.ts';
import type { Template } from './define.ts';
import { diskless } from './diskless.ts';
import { drbd } from './drbd.ts';
import { ext } from './ext.ts';
import { file } from './file.ts';
import { gluster } from './gluster.ts';
import { plain } from './plain.ts';
import { rbd } from './rbd.ts';
import { sharedfile } from './sharedfile.ts';

const all = { blockdev, diskless, drbd, ext, file, gluster, plain, rbd, sharedfile };
export type DiskTemplate = keyof typeof all;

/** All disk templates by name: those of Ganeti 3.0, in its order. */
export const templates: Readonly<Record<DiskTemplate, Template>> = all;
