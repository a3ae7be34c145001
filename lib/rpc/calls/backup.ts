import * as z from 'zod';
import { defineCall } from '../define.ts';
import { Compression, DiskTarget, StreamSource } from '../types.ts';
import { ScriptParams } from './os.ts';

const nothing = z.strictObject({});
const ofInstance = z.strictObject({ instance_name: z.string() });
/** Where the offering worker listens; without a host where that is on all addresses. */
const endpoint = z.object({ host: z.string().nullable(), port: z.number().int() });
const day = 24 * 3600_000;

export const backupList = defineCall({
  name: 'backup.list',
  summary: 'Lists the exports that are kept on the node; null when it has never had a folder for them.',
  params: nothing,
  result: z.object({ exports: z.array(z.string()).nullable() }),
  mutates: false,
  timeout: 30_000,
});

export const backupRead = defineCall({
  name: 'backup.read',
  summary:
    "Reads what an export says of its instance; `path` is its folder's, or its name in the node's folder.",
  params: z.strictObject({ path: z.string() }),
  /** `config` by section and name; null when there is no such export. `sizes`: the bytes of each file in its folder. */
  result: z.object({
    path: z.string(),
    config: z.record(z.string(), z.record(z.string(), z.string())).nullable(),
    sizes: z.record(z.string(), z.number().int()),
  }),
  mutates: false,
  timeout: 30_000,
});

export const backupPrepare = defineCall({
  name: 'backup.prepare',
  summary: 'Makes an empty place for an export that is not seen before it is finished.',
  params: ofInstance,
  result: nothing,
  mutates: true,
  timeout: 60_000,
});

export const backupDiscard = defineCall({
  name: 'backup.discard',
  summary: 'Removes an export that was not finished; succeeds when there is none.',
  params: ofInstance,
  result: nothing,
  mutates: true,
  timeout: 600_000,
});

export const backupOffer = defineCall({
  name: 'backup.offer',
  summary:
    "Lets the worker of another node read what the OS definition's export script writes of a disk, by number, whose data is that of `source`; without a definition it is read as it is.",
  params: ScriptParams.extend({
    disk: z.number().int().min(0),
    source: DiskTarget,
    id: z.string(),
    to: z.string(),
    compress: Compression,
  }),
  result: endpoint,
  mutates: false,
  timeout: 60_000,
});

export const backupFetch = defineCall({
  name: 'backup.fetch',
  summary:
    'Reads what another node offers into a file of an export that is not finished; tells its size and checksum.',
  params: ofInstance.extend({ file: z.string(), from: StreamSource }),
  result: z.object({ bytes: z.number().int(), sha256: z.string() }),
  mutates: true,
  cancellable: true,
  timeout: day,
});

export const backupFinish = defineCall({
  name: 'backup.finish',
  summary: 'Completes an export with the text of its config.ini and puts it in the place of an older one.',
  params: ofInstance.extend({ config: z.string() }),
  result: nothing,
  mutates: true,
  timeout: 600_000,
});

export const backupRestore = defineCall({
  name: 'backup.restore',
  summary: 'Lets the worker of another node read a file of an export, whose folder is `path`.',
  params: z.strictObject({
    path: z.string(),
    file: z.string(),
    /** What it was when it was exported; null where the export does not say it. What is something else breaks off. */
    sha256: z.string().nullable(),
    id: z.string(),
    to: z.string(),
    compress: Compression,
  }),
  result: endpoint,
  mutates: false,
  timeout: 60_000,
});

export const backupRemove = defineCall({
  name: 'backup.remove',
  summary: 'Removes the export of an instance; succeeds when there is none.',
  params: ofInstance,
  result: nothing,
  mutates: true,
  timeout: 600_000,
});
