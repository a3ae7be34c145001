// Fault injection for simulated nodes: FOLDER/faults.json makes calls fail or wait, so that tests and demonstrations can play an
// unreliable node without a restart. Nodes with real guests only never read the file (see startServices() in worker.ts).
import { join } from 'node:path';
import * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import { errorCodes, errorText, MerapiError } from '../base/errors.ts';
import { readFileOrNull, writeFileDurably } from '../base/files.ts';
import { parseJson, stringifyJson } from '../base/json.ts';
import type { CallContext, Handlers } from '../rpc/server.ts';

/** The format of faults.json: how calls go wrong, by the name of the call. */
export const Faults = z.record(
  z.string(),
  z.strictObject({
    /** The message of the failure; without it the call only waits for `delay`. */
    fail: z.string().optional(),
    code: z.enum(errorCodes).default('hypervisor'),
    /** Seconds to wait before the call fails, or before it does its work. */
    delay: z.number().min(0).default(0),
    /** How many more calls go wrong; the worker counts it down in the file. Without it all calls go wrong. */
    times: z.number().int().min(0).optional(),
  }),
);
type Faults = z.infer<typeof Faults>;

type AnyHandler = (params: unknown, context: CallContext) => Promise<unknown>;

/**
 * Wraps the handlers of a simulated node: each call first reads FOLDER/faults.json and applies the fault of its name, e.g.
 * `{"instance.start": {"fail": "text", "code": "hypervisor", "delay": 0.5, "times": 1}}`.
 * Each wrapped handler throws MerapiError configuration when the file is malformed.
 */
export function withFaults(handlers: Handlers, folder: string, clock: Clock): Handlers {
  const file = join(folder, 'faults.json');
  // One call at a time may read and rewrite the file, or `times` would be counted down twice at once.
  let last: Promise<unknown> = Promise.resolve();
  const wrapped = Object.entries(handlers).map(([name, handler]) => {
    const guarded: AnyHandler = async (params, context) => {
      const next = last.then(() => takeFault(file, name));
      last = next.catch(() => undefined);
      const fault = await next;
      if (fault?.delay) await clock.sleep(fault.delay * 1000, { signal: context.signal });
      if (fault?.fail !== undefined) throw new MerapiError(fault.code, fault.fail);
      return (handler as AnyHandler)(params, context);
    };
    return [name, guarded];
  });
  return Object.fromEntries(wrapped) as Handlers;
}

/** The fault that applies to a call now, or null; counts its `times` down in the file. */
async function takeFault(file: string, name: string): Promise<Faults[string] | null> {
  const text = await readFileOrNull(file);
  if (text === null) return null;
  const faults = parseFaults(file, text);
  const fault = faults[name];
  if (!fault || fault.times === 0) return null;
  if (fault.times !== undefined) {
    fault.times--;
    await writeFileDurably(file, stringifyJson(faults));
  }
  return fault;
}

function parseFaults(file: string, text: string): Faults {
  try {
    return Faults.parse(parseJson(text));
  } catch (cause) {
    throw new MerapiError('configuration', `Cannot understand ${file}: ${errorText(cause)}`, { cause });
  }
}
