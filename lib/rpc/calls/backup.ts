// Calls for exports: a node keeps finished ones in its export folder, and one that is being made in a folder that is not listed.
import * as z from 'zod';
import { defineCall } from '../define.ts';
import { Compression, DiskTarget, StreamSource } from '../types.ts';
import { ScriptParams } from './os.ts';

const nothing = z.strictObject({});
const ofInstance = z.strictObject({ instance_name: z.string() });
/** Where the offering worker listens; the host is null if it listens on all addresses. */
const endpoint = z.object({ host: z.string().nullable(), port: z.number().int() });
const day = 24 * 3600_000;

export const backupList = defineCall({
  name: 'backup.list',
  summary: 'Lists the finished exports on the node; null when it has never had a folder for them.',
  params: nothing,
  result: z.object({ exports: z.array(z.string()).nullable() }),
  mutates: false,
  timeout: 30_000,
});

export const backupRead = defineCall({
  name: 'backup.read',
  summary:
    "Reads the description of an export; `path` is its folder, or its name in the node's export folder.",
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
  summary: 'Makes an empty folder for a new export, which is not listed before it is finished.',
  params: ofInstance,
  result: nothing,
  mutates: true,
  timeout: 60_000,
});

export const backupDiscard = defineCall({
  name: 'backup.discard',
  summary: 'Removes an unfinished export; succeeds when there is none.',
  params: ofInstance,
  result: nothing,
  mutates: true,
  timeout: 600_000,
});

export const backupOffer = defineCall({
  name: 'backup.offer',
  summary:
    "Offers the data of a disk, by number, to the worker of another node: the output of the OS definition's export script, which reads `source`, or without a definition the data itself.",
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
    'Reads data that another node offers into a file of an unfinished export; returns its size and checksum.',
  params: ofInstance.extend({ file: z.string(), from: StreamSource }),
  result: z.object({ bytes: z.number().int(), sha256: z.string() }),
  mutates: true,
  cancellable: true,
  timeout: day,
});

export const backupFinish = defineCall({
  name: 'backup.finish',
  summary: 'Finishes an export with the text of its config.ini; it replaces an older one.',
  params: ofInstance.extend({ config: z.string() }),
  result: nothing,
  mutates: true,
  timeout: 600_000,
});

export const backupRestore = defineCall({
  name: 'backup.restore',
  summary: 'Offers a file of an export, whose folder is `path`, to the worker of another node.',
  params: z.strictObject({
    path: z.string(),
    file: z.string(),
    /** The checksum at the time of the export; null if the export has none. The stream fails if the file has another one. */
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
