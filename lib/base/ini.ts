// Reads and writes files in the format of Python's configparser, which Ganeti uses for the configuration of instance exports.

import { MerapiError } from './errors.ts';

/** Values by section and name. */
export type Ini = Record<string, Record<string, string>>;

/**
 * The text of a file that Python's configparser reads back: names in lower case, a percent sign doubled, the lines after the
 * first one of a value indented.
 */
export function formatIni(sections: Ini): string {
  return Object.entries(sections)
    .map(([section, values]) => {
      const lines = Object.entries(values).map(([name, value]) => {
        const text = value.replaceAll('%', '%%').replaceAll('\n', '\n\t');
        return `${name.toLowerCase()} = ${text}\n`;
      });
      return `[${section}]\n${lines.join('')}\n`;
    })
    .join('');
}

/** Parses the text of such a file. @throws MerapiError configuration with the line that cannot be parsed */
export function parseIni(text: string): Ini {
  const sections: Ini = Object.create(null);
  let values: Record<string, string> | null = null;
  let last: string | null = null;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const refuse = () => new MerapiError('configuration', `Line ${index + 1} cannot be parsed: ${line}`);
    const section = /^\[([^\]]+)\]\s*$/.exec(line)?.[1];
    if (section !== undefined) {
      values = sections[section] ??= Object.create(null) as Record<string, string>;
      last = null;
    } else if (/^\s/.test(line)) {
      if (values === null || last === null) throw refuse();
      values[last] += `\n${plain(line)}`;
    } else {
      const [, name, value] = /^([^=:]+?)\s*[=:](.*)$/.exec(line) ?? [];
      if (values === null || name === undefined || value === undefined) throw refuse();
      last = name.toLowerCase();
      values[last] = plain(value);
    }
  }
  return sections;
}

const plain = (text: string) => text.trim().replaceAll('%%', '%');
