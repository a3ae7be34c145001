import * as z from 'zod';
import { defineCall } from '../define.ts';

/** How long all scripts of one call may take together, in milliseconds. */
export const HOOKS_TIMEOUT = 600_000;

/** Reported by a node whose scripts cannot be listed: it may have some for any hook. */
export const ANY_HOOK = '*';

const HookResult = z.object({
  script: z.string(),
  succeeded: z.boolean(),
  /** The end of its output. */
  output: z.string(),
});
export type HookResult = z.infer<typeof HookResult>;

export const hooksRun = defineCall({
  name: 'hooks.run',
  summary: 'Runs all scripts of a hook, one after the other, also after one has failed.',
  params: z.strictObject({
    hook: z.string().regex(/^[a-z-]+$/),
    phase: z.enum(['pre', 'post']),
    env: z.record(z.string(), z.string()),
  }),
  result: z.object({ results: z.array(HookResult) }),
  mutates: true,
  timeout: HOOKS_TIMEOUT + 30_000,
});
