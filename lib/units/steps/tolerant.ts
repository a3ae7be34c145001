import { errorText, MerapiError } from '../../base/errors.ts';
import type { RunContext } from '../define.ts';

/** Runs steps whose failures are only told in the log when that is wanted. */
export function tolerant(
  context: RunContext,
  ignore: boolean,
): (step: () => Promise<unknown>) => Promise<void> {
  return async (step) => {
    try {
      await step();
    } catch (error) {
      // Anything else means that the job stops where it stands.
      if (!ignore || !(error instanceof MerapiError)) throw error;
      context.log(`Ignored: ${errorText(error)}`);
    }
  };
}
