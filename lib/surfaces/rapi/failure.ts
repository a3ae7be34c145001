// Failures of opcodes as Ganeti's clients expect them in a job's `opresult`. The HTTP statuses of requests that fail are a table of
// their own in errors.ts.
import type { ErrorCode, Failure } from '../../base/errors.ts';

/** Ganeti's error class, and the error code that follows the text in classes that have one. */
interface ErrorClass {
  readonly name: string;
  readonly code?: string;
}

/** Ganeti's class for prerequisites that are not met, with its code. */
const prerequisite = (code: string): ErrorClass => ({ name: 'OpPrereqError', code });
/** Ganeti's class for failures during execution; it has no code. */
const execution: ErrorClass = { name: 'OpExecError' };
/** For codes without a closer equivalent in Ganeti. */
const badInput = prerequisite('wrong_input');

/**
 * From Merapi's error codes to Ganeti's error classes. A defect of Merapi (anything thrown that is no MerapiError) has the code
 * internal_error as well, which is a code of OpPrereqError in Ganeti.
 */
const errorClasses: Readonly<Record<ErrorCode, ErrorClass>> = {
  wrong_input: prerequisite('wrong_input'),
  wrong_state: prerequisite('wrong_state'),
  not_found: prerequisite('unknown_entity'),
  already_exists: prerequisite('already_exists'),
  resource_not_unique: prerequisite('resource_not_unique'),
  insufficient_resources: prerequisite('insufficient_resources'),
  temp_insufficient_resources: prerequisite('temp_insufficient_resources'),
  resolver_error: prerequisite('resolver_error'),
  environment_error: prerequisite('environment_error'),
  internal_error: prerequisite('internal_error'),
  prerequisite: { name: 'OpPrereqError' },
  execution,
  type_enforcement: { name: 'TypeEnforcementError' },
  configuration: { name: 'ConfigurationError' },
  invalid_tag: { name: 'TagError' },
  hypervisor: { name: 'HypervisorError' },
  block_device: execution,
  guest_agent: execution,
  node_unreachable: execution,
  hooks_abort: { name: 'HooksAbort' },
  timeout: execution,
  canceled: execution,
  forbidden: badInput,
  too_large: badInput,
  unavailable: prerequisite('temp_insufficient_resources'),
  unsupported: execution,
  conflict: badInput,
};

/** A failure as a job's `opresult` shows it: `[class, [text, code]]`, without the code where the class has none. */
export function showFailure(failure: Failure): [string, string[]] {
  const { name, code } = errorClasses[failure.code];
  return [name, code === undefined ? [failure.message] : [failure.message, code]];
}
