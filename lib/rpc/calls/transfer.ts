import * as z from 'zod';
import { defineCall } from '../define.ts';
import { Compression, DiskTarget } from '../types.ts';
import { ScriptParams } from './os.ts';

const nothing = z.strictObject({});
/** Where another cluster waits for the data of a disk. */
const place = z.strictObject({ host: z.string(), port: z.number().int(), secret: z.string() });
/** Who this worker is to the other cluster, and the one certificate of that cluster which it trusts. */
const trust = { certificate: z.string(), ca: z.string() };

export const transferOpen = defineCall({
  name: 'transfer.open',
  summary:
    'Waits for the data of all disks of an instance from another cluster, each under a secret of its own, and imports it as os.import does.',
  params: ScriptParams.extend({
    id: z.string(),
    ...trust,
    /** Seconds that the first connection may take. */
    patience: z.number().int().min(1),
  }),
  /** Without a host where it listens on all addresses; a secret for each disk. */
  result: z.object({ host: z.string().nullable(), port: z.number().int(), secrets: z.array(z.string()) }),
  mutates: false,
  timeout: 60_000,
});

export const transferWait = defineCall({
  name: 'transfer.wait',
  summary:
    'Waits for some seconds until all data is imported, and tells how many bytes have come for each disk.',
  params: z.strictObject({ id: z.string(), seconds: z.number().int().min(0) }),
  result: z.object({ done: z.boolean(), bytes: z.array(z.number().int()) }),
  mutates: false,
  cancellable: true,
  timeout: 600_000,
});

export const transferClose = defineCall({
  name: 'transfer.close',
  summary: 'Ends what transfer.open began; succeeds when there is nothing to end.',
  params: z.strictObject({ id: z.string() }),
  result: nothing,
  mutates: false,
  timeout: 60_000,
});

export const transferPromise = defineCall({
  name: 'transfer.promise',
  summary: 'Promises another cluster that waits for data that it will come, or takes that back.',
  params: z.strictObject({ ...trust, to: place, withdraws: z.boolean() }),
  result: nothing,
  mutates: false,
  timeout: 60_000,
});

export const transferSend = defineCall({
  name: 'transfer.send',
  summary:
    'Sends the data of a disk, as backup.offer has it, to another cluster that waits for it; tells its size.',
  params: ScriptParams.extend({
    disk: z.number().int().min(0),
    source: DiskTarget,
    ...trust,
    to: place,
    compress: Compression,
  }),
  result: z.object({ bytes: z.number().int() }),
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});
