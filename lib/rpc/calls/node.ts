import * as z from 'zod';
import { hypervisors } from '../../model/hvparams/index.ts';
import { defineCall } from '../define.ts';
import { RuntimeFacts } from '../types.ts';

const nothing = z.strictObject({});

export const nodeHello = defineCall({
  name: 'node.hello',
  summary: 'Returns the name and version of the worker, and what it supports.',
  params: nothing,
  result: z.object({
    name: z.string(),
    version: z.string(),
    /** The version of the protocol (wire.ts); releases before 3 did not report it. */
    contract: z.number().int().default(2),
    hypervisors: z.array(z.enum(hypervisors)),
    /** The disk templates that it supports: whether they are simulated, and the optional abilities of their drivers. */
    storage: z.array(z.object({ template: z.string(), simulated: z.boolean(), can: z.array(z.string()) })),
  }),
  mutates: false,
  timeout: 10_000,
});

export const nodeFacts = defineCall({
  name: 'node.facts',
  summary: 'Returns all runtime facts of the node and its guests.',
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
    'Reboots the host in a few seconds, as by its power switch, if its worker may; on a simulated node it stops all guests.',
  params: nothing,
  result: z.object({ message: z.string() }),
  mutates: true,
  timeout: 60_000,
});

/** PEM texts. */
const NodeCertificate = z.strictObject({
  /** The node's certificate, followed by those that link it to older authorities. */
  certificate: z.string(),
  /** The authorities that it trusts. */
  authorities: z.string(),
});

export const nodeCertificate = defineCall({
  name: 'node.certificate',
  summary: 'Returns the certificate that the node uses and the authorities that it trusts.',
  params: nothing,
  result: NodeCertificate,
  mutates: false,
  timeout: 10_000,
});

export const nodeCertify = defineCall({
  name: 'node.certify',
  summary: 'Replaces the certificate of the node, for the same key, and the authorities that it trusts.',
  params: NodeCertificate,
  result: nothing,
  mutates: false,
  timeout: 30_000,
});
