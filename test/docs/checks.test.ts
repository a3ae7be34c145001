import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Programs } from '../helpers/program.ts';
import { checkJson, checkRequest } from './api.ts';
import { type Block, blocksOf, commandsOf } from './blocks.ts';
import { isOutput } from './output.ts';
import { runPage } from './session.ts';
import { problemsOf } from './typescript.ts';

/** A page with these lines; `'''` stands for a fence. */
const page = (...lines: string[]) => blocksOf('page.md', lines.join('\n').replaceAll("'''", '```'));
const block = (info: string, ...lines: string[]): Block =>
  page(`'''${info}`, ...lines, "'''").blocks[0] ?? assert.fail('there is no block');

describe('a page is refused', () => {
  const refused: Record<string, [lines: string[], problem: RegExp]> = {
    'for a block without a language': [["'''", 'ls', "'''"], /^page.md:1: the language is ''; there are sh,/],
    'for a language that is not known': [['', "'''bash", "'''"], /^page.md:2: the language is 'bash'/],
    'for commands that are not run without a reason': [
      ["'''sh no-run", 'ls', "'''"],
      /^page.md:1: 'no-run:' says nothing/,
    ],
    'for an empty reason': [["'''console no-run: ", 'ls', "'''"], /^page.md:1: 'no-run:' says nothing/],
    'for a mark that is not known': [["'''sh skip: slow", "'''"], /^page.md:1: sh has no 'skip'/],
    'for words after the language that are no mark': [["'''http ?", "'''"], /^page.md:1: http has no/],
    'for TypeScript that could be any file': [["'''ts", "'''"], /^page.md:1: 'in: PATH' does not say/],
    'for commands in a block of text': [
      ["'''text", '$ ls', "'''"],
      /^page.md:1: commands in a block of text/,
    ],
    'for a block that does not end': [["'''sh", 'ls'], /^page.md:1: a code block without an end/],
    'for code that is only indented': [['Run', '', '    ls'], /^page.md:3: a code block without a fence/],
  };
  for (const [name, [lines, problem]] of Object.entries(refused))
    it(name, () => {
      const { problems } = page(...lines);
      assert.equal(problems.length, 1, problems.join());
      assert.match(problems[0] ?? '', problem);
    });
});

describe('commands', () => {
  it('of a console are those after a prompt, with what they print', () => {
    const found = commandsOf(block('console', '$ a \\', '   b', '1', '', '2', '$ c'));
    assert.deepEqual(
      found.map(({ text, output }) => [text, output]),
      [
        ['a \\\n   b', '1\n2'],
        ['c', null],
      ],
    );
    assert.throws(() => commandsOf(block('console', 'a')), /'a' is the output of no command/);
  });

  it('of a script are its lines, without comments', () =>
    assert.deepEqual(
      commandsOf(block('sh', '# first', 'a', '', 'b')).map(({ text }) => text),
      ['a', 'b'],
    ));

  it('print what is shown, but for times and what is left out', () => {
    assert.ok(
      isOutput('14:05:09 Making 1 disk on vm\n…\n["vm"]', '01:02:03 Making 1 disk on vm\nx\ny\n["vm"]\n'),
    );
    assert.ok(isOutput('web  kvm   512M', 'web fake 512M'));
    assert.ok(isOutput('{"id":4, … "a.b":[1]}', '{"id":4,"x":2,"a.b":[1]}'));
    assert.ok(!isOutput('{"id":4, … "a.b":[1]}', '{"id":4,"x":2,"aXb":[1]}'));
    assert.ok(!isOutput('["vm"]', '["vm"] and more'));
    assert.ok(!isOutput('3', '4'));
  });
});

describe('commands that are run', () => {
  const programs = new Programs();
  after(() => programs.close());

  it('fail by their exit code, and by an answer that is a refusal; those after the end of the shell are not run', async () => {
    const curl = 'curl -s --cacert var/certificates/ca.pem https://127.0.0.1:5080/2';
    const lines = ['A=1', 'test $A = 2', `${curl}/groups`, `${curl}/groups/none`, 'exit 0', 'echo late'];
    const outcomes = await runPage(programs, commandsOf(block('sh', ...lines)), ['vm']);
    assert.deepEqual(
      outcomes.map(({ code }) => code),
      [0, 1, 0, 22, null, null],
    );
    assert.match(outcomes[2]?.output ?? '', /"default"/);
    assert.match(outcomes[3]?.output ?? '', /"code":404/);
  });
});

it('TypeScript with wrong types, names and imports is refused', () => {
  const blocks = [
    block(
      'ts in: lib/base/a.ts',
      "import { MerapiError } from './errors.ts';",
      "new MerapiError('none', 'x');",
    ),
    block('ts in: lib/base/a.ts', 'unknownName();'),
    block('ts in: lib/base/a.ts', "import { MerapiError } from './missing.ts';", 'console.log(MerapiError);'),
    block('ts in: lib/base/a.ts', 'export const x: number =;'),
    block('ts in: lib/base/a.ts', 'export const x: number = 1;'),
  ];
  const expected = [
    /^line 2 of the block: Argument of type '"none"'/,
    /^line 1 of the block: Cannot find name 'unknownName'/,
    /^line 1 of the block: Cannot find module '.\/missing.ts'/,
    /^line 1 of the block: Expression expected/,
    /^$/,
  ];
  const problems = problemsOf(blocks);
  for (const [index, pattern] of expected.entries()) assert.match(problems[index]?.join() ?? 'none', pattern);
});

it('JSON that is broken or not of its form is refused', () => {
  checkJson(block('json', '{"a": 1}'));
  assert.throws(() => checkJson(block('json', '{a: 1}')), SyntaxError);
  assert.throws(() => checkJson(block('json as: cluster file', '{"name": "c.example.com"}')), /nodes/);
  assert.throws(() => checkJson(block('json as: poem', '{}')), /'poem' is no form/);
});

it('a request for what the API does not have is refused', () => {
  checkRequest(
    block('http', 'PUT /2/instances/web1/rename?dry-run=1', '', '{"new_name": "web2.example.com"}'),
  );
  const refused: [RegExp, ...string[]][] = [
    [/is not METHOD PATH/, 'PATCH /2/instances'],
    [/There is no GET \/2\/poems/, 'GET /2/poems'],
    [/There is no DELETE \/2\/groups/, 'DELETE /2/groups'],
    [/no argument poem/, 'GET /2/instances?poem=1'],
    [/takes no body/, 'GET /2/groups', '', '{}'],
    [/poem/, 'PUT /2/instances/web1/rename', '', '{"new_name": "web2.example.com", "poem": 1}'],
    [/JSON/, 'PUT /2/instances/web1/rename', '', "{'new_name': 1}"],
  ];
  for (const [problem, ...lines] of refused)
    assert.throws(() => checkRequest(block('http', ...lines)), problem, lines[0]);
});
