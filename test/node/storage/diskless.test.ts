import { disklessStorage } from '../../../lib/node/storage/diskless.ts';
import type { DiskTarget } from '../../../lib/rpc/types.ts';
import { fileDisk } from '../helpers.ts';
import { storageConformance } from './conformance.ts';

const disk: DiskTarget = { ...fileDisk('', 2), dev_type: 'diskless', logical_id: [] };

storageConformance('diskless', async () => ({ driver: disklessStorage, disks: [disk, disk], data: null }));
