import { MerapiError } from '../../base/errors.ts';
import { type Json, parseJson } from '../../base/json.ts';

/** Parses the JSON text of an option. @throws MerapiError wrong_input with the name of the option */
export function jsonOption(name: string, text: string): Json {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new MerapiError('wrong_input', `--${name} must be JSON, not '${text}'`, { cause });
  }
}
