// Calls for moves of instances between clusters: the receiving cluster's worker opens a listener (`open`, `wait`, `close`), and the
// sending cluster's worker announces the data (`promise`) and sends each disk (`send`).
import * as z from 'zod';
import { defineCall } from '../define.ts';
import { Compression, DiskTarget } from '../types.ts';
import { ScriptParams } from './os.ts';

const nothing = z.strictObject({});
/** Where another cluster waits for the data of a disk, and the secret that identifies the disk there. */
const destination = z.strictObject({ host: z.string(), port: z.number().int(), secret: z.string() });
/** The name of this worker's certificate, and the only certificate of the other cluster that it trusts. */
const trust = { certificate: z.string(), ca: z.string() };

export const transferOpen = defineCall({
  name: 'transfer.open',
  summary:
    'Opens a listener for the data of all disks of an instance from another cluster, each identified by a secret, and imports it as os.import does.',
  params: ScriptParams.extend({
    id: z.string(),
    ...trust,
    /** Seconds to wait for the first connection. */
    patience: z.number().int().min(1),
  }),
  /** The host is null if it listens on all addresses; one secret for each disk. */
  result: z.object({ host: z.string().nullable(), port: z.number().int(), secrets: z.array(z.string()) }),
  mutates: false,
  timeout: 60_000,
});

export const transferWait = defineCall({
  name: 'transfer.wait',
  summary:
    'Waits up to some seconds until all data is imported, and returns how many bytes have arrived for each disk.',
  params: z.strictObject({ id: z.string(), seconds: z.number().int().min(0) }),
  result: z.object({ done: z.boolean(), bytes: z.array(z.number().int()) }),
  mutates: false,
  cancellable: true,
  timeout: 600_000,
});

export const transferClose = defineCall({
  name: 'transfer.close',
  summary: 'Closes the listener of transfer.open; succeeds when there is none.',
  params: z.strictObject({ id: z.string() }),
  result: nothing,
  mutates: false,
  timeout: 60_000,
});

export const transferPromise = defineCall({
  name: 'transfer.promise',
  summary: 'Announces data to another cluster that waits for it, or withdraws the announcement.',
  params: z.strictObject({ ...trust, to: destination, withdraws: z.boolean() }),
  result: nothing,
  mutates: false,
  timeout: 60_000,
});

export const transferSend = defineCall({
  name: 'transfer.send',
  summary:
    'Sends the data of a disk, in the form of backup.offer, to another cluster that waits for it; returns its size.',
  params: ScriptParams.extend({
    disk: z.number().int().min(0),
    source: DiskTarget,
    ...trust,
    to: destination,
    compress: Compression,
  }),
  result: z.object({ bytes: z.number().int() }),
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});
