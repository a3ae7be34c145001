// The code blocks of the documentation, and what each says of itself in its info string:
//   ```LANGUAGE                 ```LANGUAGE KEY: VALUE
// Languages and keys are those of `languages`; a wrong one is a problem of the page. What checks a block is in blocks.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The languages that blocks may have, each with the keys that may follow it. */
const languages: Readonly<Record<string, readonly string[]>> = {
  // Commands, one a line. `no-run: REASON` says why they are not run; `until: WORD` that the last one goes on running, and prints WORD
  // when it is ready.
  sh: ['no-run', 'until'],
  // Commands after `$ `, each with what it prints.
  console: ['no-run'],
  // A module. `in: PATH` names the file that it could be, from which its imports start.
  ts: ['in'],
  // JSON. `as: FORM` names what it must be accepted as: see `forms` in api.ts.
  json: ['as'],
  // One request of the API: METHOD PATH, an empty line, the body.
  http: [],
  // What nobody runs.
  text: [],
};

/** One code block of a page. */
export interface Block {
  readonly page: string;
  /** The line of its fence, from 1. */
  readonly line: number;
  readonly language: string;
  /** The word after the language, and what follows it; null where there is none. */
  readonly key: string | null;
  readonly value: string;
  readonly text: string;
}

/** The blocks of a page, and what is wrong with how they are written, each with its line. */
export interface PageBlocks {
  readonly blocks: readonly Block[];
  readonly problems: readonly string[];
}

/** The pages that people read: README.md, CHANGELOG.md and those of docs, by their paths in the repository. */
export const pages: readonly string[] = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .sort(),
];

export const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

/** A page without its code blocks. */
export const proseOf = (page: string): string => textOf(page).replace(/^( *)```.*?^\1```$/gms, '');

/** Finds the blocks of a page. */
export function blocksOf(page: string, text: string): PageBlocks {
  const blocks: Block[] = [];
  const problems: string[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const complain = (what: string) => problems.push(`${page}:${at + 1}: ${what}`);
    const fence = /^( *)```(.*)$/.exec(line);
    if (!fence) {
      if (/^( {4}|\t)/.test(line) && lines[at - 1] === '') complain('a code block without a fence');
      continue;
    }
    const [, indent = '', info = ''] = fence;
    const end = lines.indexOf(`${indent}\`\`\``, at + 1);
    if (end < 0) {
      complain('a code block without an end');
      break;
    }
    const [, language = '', key = null, value = ''] =
      /^(\S*)(?: (\S+?):?(?: +(.*))?)?$/.exec(info.trim()) ?? [];
    const content = lines.slice(at + 1, end).map((each) => each.slice(indent.length));
    for (const what of wrongInfo(language, key, value)) complain(what);
    if (language === 'text' && content.some((each) => each.startsWith('$ ')))
      complain("commands in a block of text; 'console' is for them");
    blocks.push({ page, line: at + 1, language, key, value, text: content.join('\n') });
    at = end;
  }
  return { blocks, problems };
}

function wrongInfo(language: string, key: string | null, value: string): string[] {
  const keys = languages[language];
  if (!keys) return [`the language is '${language}'; there are ${Object.keys(languages).join(', ')}`];
  if (language === 'ts' && key === null) return ["'in: PATH' does not say which file the module could be"];
  if (key === null) return [];
  if (!keys.includes(key)) return [`${language} has no '${key}'; it has ${keys.join(', ') || 'none'}`];
  return value.trim() === '' ? [`'${key}:' says nothing`] : [];
}

/** A command of a page, with what the page says that it prints; null where the page says nothing. */
export interface Command {
  readonly block: Block;
  readonly text: string;
  readonly output: string | null;
}

/** The commands of an `sh` or `console` block, in their order. @throws Error for output before the first command */
export function commandsOf(block: Block): Command[] {
  const commands: { block: Block; text: string; output: string | null }[] = [];
  let goesOn = false;
  for (const line of block.text.split('\n')) {
    const last = commands.at(-1);
    const isCommand = block.language === 'sh' ? !/^\s*(#|$)/.test(line) : line.startsWith('$ ');
    if (goesOn && last) last.text += `\n${line}`;
    else if (isCommand) commands.push({ block, text: line.replace(/^\$ /, ''), output: null });
    else if (line.trim() === '' || block.language === 'sh') continue;
    else if (last) last.output = last.output === null ? line : `${last.output}\n${line}`;
    else throw new Error(`${block.page}:${block.line}: '${line}' is the output of no command`);
    goesOn = (goesOn || isCommand) && line.endsWith('\\');
  }
  return commands;
}
