import * as z from 'zod';
import { defineCall } from '../define.ts';
import { InstanceTarget, StreamSource } from '../types.ts';

const nothing = z.strictObject({});

/** An OS definition as one node reports it. */
export const OsDefinition = z.object({
  name: z.string(),
  /** The folder of the definition. */
  path: z.string(),
  valid: z.boolean(),
  /** Why it is not valid; empty when it is. */
  message: z.string(),
  variants: z.array(z.string()),
  /** [name, description] of each parameter. */
  parameters: z.array(z.tuple([z.string(), z.string()])),
  api_versions: z.array(z.number().int()),
  trusted: z.boolean(),
});
export type OsDefinition = z.infer<typeof OsDefinition>;

export const osList = defineCall({
  name: 'os.list',
  summary: 'Lists the OS definitions in the search path, invalid ones included.',
  params: z.strictObject({ search_path: z.array(z.string()) }),
  result: z.object({ definitions: z.array(OsDefinition) }),
  mutates: false,
  timeout: 30_000,
});

/** The parameters of every script of an OS definition. */
export const ScriptParams = z.strictObject({
  instance: InstanceTarget,
  search_path: z.array(z.string()),
  /** Public, private and secret OS parameters together, as the script gets them. They must never be logged. */
  osparams: z.record(z.string(), z.string()),
  debug: z.number().int().min(0),
});
export type ScriptParams = z.infer<typeof ScriptParams>;

export const osCreate = defineCall({
  name: 'os.create',
  summary: "Runs the OS definition's create script for an instance, on empty disks.",
  params: ScriptParams.extend({ reinstall: z.boolean() }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 3600_000,
});

export const osRename = defineCall({
  name: 'os.rename',
  summary: "Runs the OS definition's rename script for a renamed instance.",
  params: ScriptParams.extend({ old_name: z.string() }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 3600_000,
});

export const osImport = defineCall({
  name: 'os.import',
  summary:
    "Reads data that another node offers, and passes it to the OS definition's import script for one disk, by number; without a definition it is written to the disk as it is.",
  params: ScriptParams.extend({ disk: z.number().int().min(0), from: StreamSource }),
  result: nothing,
  mutates: true,
  cancellable: true,
  timeout: 24 * 3600_000,
});
