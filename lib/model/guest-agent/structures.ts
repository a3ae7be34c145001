// The structures in the answers of QEMU's guest agent, with the members of its schema from 2015 (QEMU 2.3) to QEMU 11. Members that came
// later than the structure, or that a platform may leave out, are optional; members that are not known here are kept.
// Source: https://www.qemu.org/docs/master/interop/qemu-ga-ref.html
import * as z from 'zod';

/** An integer of the protocol, which has 64 bits; beyond 2^53 it is a BigInt, as nanoseconds are. */
export const integer = z.custom<number | bigint>(
  (value) => typeof value === 'bigint' || Number.isSafeInteger(value),
  'an integer',
);
/** Bytes, encoded in base64. */
export const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, 'must be base64');

export const AgentInfo = z.looseObject({
  version: z.string(),
  supported_commands: z.array(
    z.looseObject({ name: z.string(), enabled: z.boolean(), 'success-response': z.boolean().optional() }),
  ),
});

export const FileRead = z.looseObject({ count: integer, 'buf-b64': base64, eof: z.boolean() });
export const FileWrite = z.looseObject({ count: integer, eof: z.boolean() });
export const FileSeek = z.looseObject({ position: integer, eof: z.boolean() });
/** From where a position counts; the names exist since 2.6. */
export const Whence = z.union([z.literal([0, 1, 2]), z.enum(['set', 'cur', 'end'])]);

export const FreezeStatus = z.enum(['thawed', 'frozen']);
/** The report of fstrim, which the agent of 2015 does not have: it answers with an empty object. */
export const TrimReport = z.looseObject({
  paths: z
    .array(
      z.looseObject({
        path: z.string(),
        trimmed: integer.optional(),
        minimum: integer.optional(),
        error: z.string().optional(),
      }),
    )
    .optional(),
});

export const Interface = z.looseObject({
  name: z.string(),
  'hardware-address': z.string().optional(),
  'ip-addresses': z
    .array(
      z.looseObject({
        'ip-address': z.string(),
        'ip-address-type': z.enum(['ipv4', 'ipv6']),
        prefix: integer,
      }),
    )
    .optional(),
  statistics: z.looseObject({}).optional(),
});
export const Route = z.looseObject({
  iface: z.string(),
  destination: z.string(),
  metric: integer,
  gateway: z.string().optional(),
  mask: z.string().optional(),
});

export const Processor = z.strictObject({
  'logical-id': integer,
  online: z.boolean(),
  'can-offline': z.boolean().optional(),
});
export const MemoryBlock = z.strictObject({
  'phys-index': integer,
  online: z.boolean(),
  'can-offline': z.boolean().optional(),
});
export const MemoryBlockResponse = z.looseObject({
  'phys-index': integer,
  response: z.enum(['success', 'not-found', 'operation-not-supported', 'operation-failed']),
  'error-code': integer.optional(),
});
export const MemoryBlockInfo = z.looseObject({ size: integer });

/** Where a disk is attached. `bus-type` has got more values over time, so it is any word. */
const DiskAddress = z.looseObject({
  'pci-controller': z.looseObject({ domain: integer, bus: integer, slot: integer, function: integer }),
  'bus-type': z.string(),
  bus: integer,
  target: integer,
  unit: integer,
  serial: z.string().optional(),
  dev: z.string().optional(),
});
export const FileSystem = z.looseObject({
  name: z.string(),
  mountpoint: z.string(),
  type: z.string(),
  'used-bytes': integer.optional(),
  'total-bytes': integer.optional(),
  'total-bytes-privileged': integer.optional(),
  disk: z.array(DiskAddress),
});
export const Disk = z.looseObject({
  name: z.string(),
  partition: z.boolean(),
  dependencies: z.array(z.string()).optional(),
  address: DiskAddress.optional(),
  alias: z.string().optional(),
  smart: z.looseObject({}).optional(),
});
export const DiskStatistics = z.looseObject({
  name: z.string(),
  major: integer,
  minor: integer,
  stats: z.looseObject({}),
});
export const ProcessorStatistics = z.looseObject({ type: z.string() });
export const Load = z.looseObject({ load1m: z.number(), load5m: z.number(), load15m: z.number() });

export const Exec = z.looseObject({ pid: integer });
export const ExecStatus = z.looseObject({
  exited: z.boolean(),
  exitcode: integer.optional(),
  signal: integer.optional(),
  'out-data': base64.optional(),
  'err-data': base64.optional(),
  'out-truncated': z.boolean().optional(),
  'err-truncated': z.boolean().optional(),
});
/** What is kept of a program's output; the words exist since 8.0. */
export const CaptureOutput = z.union([
  z.boolean(),
  z.enum(['none', 'stdout', 'stderr', 'separated', 'merged']),
]);

export const HostName = z.looseObject({ 'host-name': z.string() });
/** `login-time` is in seconds since the epoch. */
export const User = z.looseObject({
  user: z.string(),
  'login-time': z.number(),
  domain: z.string().optional(),
});
/** `offset` is in seconds east of UTC. */
export const Timezone = z.looseObject({ zone: z.string().optional(), offset: integer });
export const OsInfo = z.looseObject({
  'kernel-release': z.string().optional(),
  'kernel-version': z.string().optional(),
  machine: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  'pretty-name': z.string().optional(),
  version: z.string().optional(),
  'version-id': z.string().optional(),
  variant: z.string().optional(),
  'variant-id': z.string().optional(),
});
export const Device = z.looseObject({
  'driver-name': z.string(),
  'driver-date': integer.optional(),
  'driver-version': z.string().optional(),
  id: z.looseObject({ type: z.string(), 'vendor-id': integer, 'device-id': integer }).optional(),
});
export const AuthorizedKeys = z.looseObject({ keys: z.array(z.string()) });
