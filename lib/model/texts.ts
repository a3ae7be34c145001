// Limits for texts in requests. Any of them may later be used in an environment variable, an argument or a path, where Linux accepts no
// NUL character and at most 128 KiB in one text. So they are checked once, here, before anything is stored.
import { pathText, shown } from '../base/schema-words.ts';

/** The limits of one kind of texts. */
interface TextLimits {
  /** The longest text, in bytes of UTF-8. */
  bytes: number;
  /** Matches characters that must not occur. */
  forbidden: RegExp;
}

/** Matches half of a surrogate pair, which UTF-8 cannot represent. */
const half = '[\\uD800-\\uDBFF](?![\\uDC00-\\uDFFF])|(?<![\\uD800-\\uDBFF])[\\uDC00-\\uDFFF]';

/** Texts of one line: names, paths, parameters of hypervisors, tags. */
const line: TextLimits = { bytes: 4096, forbidden: new RegExp(`[\\u0000-\\u001f\\u007f]|${half}`) };
/** Texts that may have several lines: remarks, certificates, parameters of operating systems. */
const lines: TextLimits = {
  bytes: 65_536,
  forbidden: new RegExp(`[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]|${half}`),
};
/** The keys of objects, which become names of variables. */
const key: TextLimits = { bytes: 255, forbidden: line.forbidden };

/** How many bytes the keys and texts of one parameter object may have together: they all become one environment of a program. */
const MOST_TOGETHER = 262_144;

/** How textFault() checks a value. */
export interface TextRules {
  /** The name of the value in messages. */
  name: string;
  /** Whether texts may have several lines. */
  lines: boolean;
  /** Whether all keys and texts together become the environment of a program. */
  together: boolean;
}

/**
 * Describes the first invalid text in a value, nested ones included; null when all are valid. The message names the part, never the
 * text, which may be a secret.
 */
export function textFault(value: unknown, rules: TextRules): string | null {
  const limits = rules.lines ? lines : line;
  let together = 0;
  const faultIn = (part: unknown, path: readonly PropertyKey[]): string | null => {
    if (typeof part === 'string') {
      together += Buffer.byteLength(part);
      const fault = wrongWith(part, limits);
      return fault && `${pathText(rules.name, path)} ${fault}`;
    }
    if (typeof part !== 'object' || part === null) return null;
    if (Array.isArray(part)) return firstOf(part.entries(), faultIn, path);
    for (const name of Object.keys(part)) {
      together += Buffer.byteLength(name);
      const fault = wrongKey(name);
      if (fault) return `${pathText(rules.name, path)} has the key ${shown(name)}, which ${fault}`;
    }
    return firstOf(Object.entries(part), faultIn, path);
  };
  const fault = faultIn(value, []);
  if (fault || !rules.together || together <= MOST_TOGETHER) return fault;
  return `${rules.name} has ${together} bytes; all names and values together may have ${MOST_TOGETHER}`;
}

function firstOf(
  parts: Iterable<readonly [PropertyKey, unknown]>,
  faultIn: (part: unknown, path: readonly PropertyKey[]) => string | null,
  path: readonly PropertyKey[],
): string | null {
  for (const [step, part] of parts) {
    const fault = faultIn(part, [...path, step]);
    if (fault) return fault;
  }
  return null;
}

function wrongKey(name: string): string | null {
  if (name === '__proto__') return 'cannot be used as a name';
  if (name.includes('=')) return "may not contain '='";
  return wrongWith(name, key);
}

function wrongWith(text: string, { bytes, forbidden }: TextLimits): string | null {
  const size = Buffer.byteLength(text);
  if (size > bytes) return `has ${size} bytes; at most ${bytes} are allowed`;
  const found = forbidden.exec(text);
  if (!found) return null;
  const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  const what = code >= 'D800' && code <= 'DFFF' ? 'half of a character' : 'a control character';
  return `contains ${what} (U+${code}) at position ${found.index + 1}, which is not allowed; leave it out`;
}
