import { errorText, MerapiError } from '../../base/errors.ts';
import type { RunContext } from '../define.ts';

/**
 * Returns a function that runs a step. With `ignore` a failure of the step, that is, a MerapiError, is only logged. Other errors always
 * pass: they mean that the job cannot go on at all.
 */
export function tolerant(
  context: RunContext,
  ignore: boolean,
): (step: () => Promise<unknown>) => Promise<void> {
  return async (step) => {
    try {
      await step();
    } catch (error) {
      if (!ignore || !(error instanceof MerapiError)) throw error;
      context.log(`Ignored: ${errorText(error)}`);
    }
  };
}
