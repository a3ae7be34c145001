import { join } from 'node:path';
import * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import { errorCodes, errorText, MerapiError } from '../base/errors.ts';
import { readFileOrNull, writeFileDurably } from '../base/files.ts';
import { parseJson, stringifyJson } from '../base/json.ts';
import type { CallContext, Handlers } from '../rpc/server.ts';

/** The fault switches of a simulated node: how calls of one name go wrong, by the name of the call. */
export const Faults = z.record(
  z.string(),
  z.strictObject({
    /** The message of the failure; without it the call is only slow. */
    fail: z.string().optional(),
    code: z.enum(errorCodes).default('hypervisor'),
    /** Seconds to wait before. */
    delay: z.number().min(0).default(0),
    /** How many calls are still to go wrong; without it all of them do. */
    times: z.number().int().min(0).optional(),
  }),
);
type Faults = z.infer<typeof Faults>;

type AnyHandler = (params: unknown, context: CallContext) => Promise<unknown>;

/**
 * The handlers of a simulated node: each obeys the fault switches in FOLDER/faults.json, read at each call, before it does
 * its work. `{"instance.start": {"fail": "text", "code": "hypervisor", "delay": 0.5, "times": 1}}`
 * @throws MerapiError configuration (from each call) when the file cannot be understood.
 */
export function withFaults(handlers: Handlers, folder: string, clock: Clock): Handlers {
  const file = join(folder, 'faults.json');
  let turn: Promise<unknown> = Promise.resolve();
  const wrapped = Object.entries(handlers).map(([name, handler]) => {
    const guarded: AnyHandler = async (params, context) => {
      const drawn = turn.then(() => draw(file, name));
      turn = drawn.catch(() => undefined);
      const fault = await drawn;
      if (fault?.delay) await clock.sleep(fault.delay * 1000, { signal: context.signal });
      if (fault?.fail !== undefined) throw new MerapiError(fault.code, fault.fail);
      return (handler as AnyHandler)(params, context);
    };
    return [name, guarded];
  });
  return Object.fromEntries(wrapped) as Handlers;
}

/** The fault that a call now meets, if any, counted down in the file. */
async function draw(file: string, name: string): Promise<Faults[string] | null> {
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
