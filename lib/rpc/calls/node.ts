import * as z from 'zod';
import { hypervisors } from '../../model/hvparams/index.ts';
import { defineCall } from '../define.ts';
import { RuntimeFacts } from '../types.ts';

const nothing = z.strictObject({});

export const nodeHello = defineCall({
  name: 'node.hello',
  summary: 'Tells who the worker is and what it can run.',
  params: nothing,
  result: z.object({
    name: z.string(),
    version: z.string(),
    /** The number of the contract that it knows; releases before 3 did not say. */
    contract: z.number().int().default(2),
    hypervisors: z.array(z.enum(hypervisors)),
    /** The disk templates that it can keep: whether they are simulated, and what its driver can do beside what all can. */
    storage: z.array(z.object({ template: z.string(), simulated: z.boolean(), can: z.array(z.string()) })),
  }),
  mutates: false,
  timeout: 10_000,
});

export const nodeFacts = defineCall({
  name: 'node.facts',
  summary: "Tells all runtime facts of the node: its own and its guests'.",
  params: nothing,
  result: RuntimeFacts,
  mutates: false,
  timeout: 10_000,
});

export const nodeDelay = defineCall({
  name: 'node.delay',
  summary: 'Waits for a number of seconds.',
  params: z.strictObject({ duration: z.number().min(0) }),
  result: nothing,
  mutates: false,
  cancellable: true,
  timeout: 24 * 3600_000,
});

export const nodePowercycle = defineCall({
  name: 'node.powercycle',
  summary:
    'Reboots the host in a few seconds, as by its power switch, if its worker may; on a simulated node all guests end.',
  params: nothing,
  result: z.object({ message: z.string() }),
  mutates: true,
  timeout: 60_000,
});

/** PEM texts. */
const NodeCertificate = z.strictObject({
  /** What the node shows: its certificate, and those that lead from it to older authorities. */
  certificate: z.string(),
  /** The authorities that it trusts. */
  authorities: z.string(),
});

export const nodeCertificate = defineCall({
  name: 'node.certificate',
  summary: 'Tells which certificate the node shows and which authorities it trusts.',
  params: nothing,
  result: NodeCertificate,
  mutates: false,
  timeout: 10_000,
});

export const nodeCertify = defineCall({
  name: 'node.certify',
  summary: 'Makes the node show a renewed certificate for its key, and trust these authorities, from now on.',
  params: NodeCertificate,
  result: nothing,
  mutates: false,
  timeout: 30_000,
});
