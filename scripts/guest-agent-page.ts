// The table of commands in docs/guest-agent.md. What each does in the demo guest is recorded by test/units/guest/commands.test.ts.
import { readFileSync } from 'node:fs';
import { agentCommands } from '../lib/model/guest-agent/commands.ts';
import { cell, code, table } from './markdown.ts';

const PAGE = new URL('../docs/guest-agent.md', import.meta.url);
const OUTCOMES = new URL('../test/units/guest/outcomes.json', import.meta.url);
const BEGIN = '<!-- commands: made by `npm run docs` -->';
const END = '<!-- end of commands -->';

/** The page, with the present table of commands. */
export function guestAgentPage(): string {
  const outcomes = JSON.parse(readFileSync(OUTCOMES, 'utf8')) as Record<string, string>;
  const rows = Object.entries(agentCommands).map(([name, { args, right, since, timeout }]) => [
    code(name),
    since,
    Object.keys(args.shape).map(code).join(', '),
    code(right),
    String(timeout / 1000),
    cell(outcomes[name] ?? ''),
  ]);
  const head = ['command', 'since QEMU', 'arguments', 'right', 'time limit in s', 'in the demo guest'];
  const page = readFileSync(PAGE, 'utf8');
  const [before = '', rest = ''] = page.split(BEGIN);
  return `${before}${BEGIN}\n\n${table(head, rows)}\n\n${END}${rest.split(END)[1] ?? ''}`;
}
